/* Text in HTML and SVG. */
#ifndef MARKUP_H
#define MARKUP_H

#include <stdio.h>

/** Write a text so that it stays text, whatever is in it: in an element or in a quoted attribute.
 */
void markup_text(FILE *stream, const char *text);

#endif
