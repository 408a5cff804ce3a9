/* The CPU kernels for processors with AVX2. */
#define VARIANT         cpu_avx2
#define INSTRUCTION_SET "avx2"
#define VECTOR_BYTES    32
#include "potential/cpu_isa.inc"
