/* The CPU kernels for any processor (SSE2 on x86-64). */
#define VARIANT cpu_baseline
#if defined(__x86_64__)
#define INSTRUCTION_SET "sse2"
#else
#define INSTRUCTION_SET "baseline"
#endif
#define VECTOR_BYTES 16
#include "potential/cpu_isa.inc"
