/* A record as a page for people, to be sent to a colleague. */
#ifndef HTML_H
#define HTML_H

#include "record.h"

/** One page that needs nothing else: tables, pictures and the machine. No text of the record is
 *  trusted. To be freed with free(); NULL when out of memory. */
char *html_page(const struct record *record);

#endif
