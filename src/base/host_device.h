/* A formula that is written once for all devices: nvcc must be told that it is for both. */
#ifndef SCH_BASE_HOST_DEVICE_H
#define SCH_BASE_HOST_DEVICE_H

#ifdef __CUDACC__
#define HOST_DEVICE __host__ __device__
#else
#define HOST_DEVICE
#endif

#endif
