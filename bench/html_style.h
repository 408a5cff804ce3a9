/* How a page looks: by day and by night, on a screen and on paper. */
#ifndef HTML_STYLE_H
#define HTML_STYLE_H

extern const char html_style[];

#endif
