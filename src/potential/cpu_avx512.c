/* The CPU kernels for processors with AVX512. */
#define VARIANT         cpu_avx512
#define INSTRUCTION_SET "avx512"
#define VECTOR_BYTES    64
#include "potential/cpu_isa.inc"
