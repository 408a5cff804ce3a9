/* What differs between the versions of LAMMPS that the pair style is built for. The build defines
 *     SCHNELL_LAMMPS_VERSION   a number: 20210929
 *     SCHNELL_LAMMPS_DATE      as LAMMPS says it: "29 Sep 2021" */
#ifndef SCHNELL_LAMMPS_VERSION_H
#define SCHNELL_LAMMPS_VERSION_H

#include "comm.h"
#include "neighbor.h"
#include "pair.h"

namespace LAMMPS_NS {

/** The 23 June 2022 version gave neighbour list requests and communication new names. */
#if SCHNELL_LAMMPS_VERSION >= 20220623

inline bool request_full_list(Neighbor *neighbor, Pair *pair, int) {
    neighbor->add_request(pair, NeighConst::REQ_FULL);
    return true;
}

inline void forward_features(Comm *comm, Pair *pair) {
    comm->forward_comm(pair);
}

inline void reverse_features(Comm *comm, Pair *pair) {
    comm->reverse_comm(pair);
}

#else

/** The beginning of this version's class NeighRequest, whose header Debian's package leaves out. */
class RequestBeginning : protected Pointers {
  public:
    int index;
    void *requestor;
    int requestor_instance;
    int id;
    int pair, fix, compute, command, neigh;
    int half, full;
};

/** Ask for all neighbours of each atom. False if a request looks otherwise than it is known here.
 */
inline bool request_full_list(Neighbor *neighbor, Pair *pair, int instance) {
    const int place = neighbor->request(pair, instance);
    auto request = reinterpret_cast<RequestBeginning *>(neighbor->requests[place]);
    if (request->requestor != pair || request->pair != 1 || request->half != 1 ||
        request->full != 0)
        return false;
    request->half = 0;
    request->full = 1;
    return true;
}

inline void forward_features(Comm *comm, Pair *pair) {
    comm->forward_comm_pair(pair);
}

inline void reverse_features(Comm *comm, Pair *pair) {
    comm->reverse_comm_pair(pair);
}

#endif

} // namespace LAMMPS_NS

#endif
