/* What a parallel program sends, counted by MPI's profiling interface:
 *
 *     mpicc -shared -fPIC -O2 examples/lammps/mpi_count.c -o mpi_count.so
 *     mpirun -x LD_PRELOAD=./mpi_count.so -n 8 lmp-schnell -in in.benzene
 *
 * At the end the first process prints messages and bytes that a process sent, the mean over all. */
#include <mpi.h>
#include <stdio.h>

static double messages, bytes;

static void count(int n, MPI_Datatype type) {
    int size = 0;
    MPI_Type_size(type, &size);
    messages += 1;
    bytes += (double)n * size;
}

int MPI_Send(const void *buffer, int n, MPI_Datatype type, int to, int tag, MPI_Comm world) {
    count(n, type);
    return PMPI_Send(buffer, n, type, to, tag, world);
}

int MPI_Isend(const void *buffer, int n, MPI_Datatype type, int to, int tag, MPI_Comm world,
              MPI_Request *request) {
    count(n, type);
    return PMPI_Isend(buffer, n, type, to, tag, world, request);
}

int MPI_Sendrecv(const void *buffer, int n, MPI_Datatype type, int to, int tag, void *received,
                 int most, MPI_Datatype received_type, int from, int received_tag, MPI_Comm world,
                 MPI_Status *status) {
    count(n, type);
    return PMPI_Sendrecv(buffer, n, type, to, tag, received, most, received_type, from,
                         received_tag, world, status);
}

int MPI_Finalize(void) {
    int rank, size;
    double mine[2] = {messages, bytes}, all[2];
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    PMPI_Reduce(mine, all, 2, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    if (rank == 0)
        fprintf(stderr, "%d processes: each sent %.6g messages, %.6g bytes\n", size, all[0] / size,
                all[1] / size);
    return PMPI_Finalize();
}
