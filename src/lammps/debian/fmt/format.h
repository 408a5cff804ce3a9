/* Debian's package of LAMMPS (29 Sep 2021) names this header and does not bring it. Its own headers
 * declare functions with these types; nobody here calls any of them. */
#ifndef SCHNELL_LAMMPS_FMT_H
#define SCHNELL_LAMMPS_FMT_H

namespace fmt {

class string_view;
class format_args;

template <class... Args, class Format>
format_args make_args_checked(const Format &format, const Args &...args);

} // namespace fmt

#endif
