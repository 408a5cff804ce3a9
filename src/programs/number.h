/* Numbers: read from the command line, written for people. */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>

/** The whole text is a decimal number within the range. */
bool number_whole(const char *text, long least, long most, long *number);

/** The whole text is a finite number. */
bool number_real(const char *text, double *number);

/** The whole text is a finite number, or one that one of these characters follows.
 *  @param suffix  [out] the character; 0: none */
bool number_with_suffix(const char *text, const char *suffixes, double *number, char *suffix);

enum { NUMBER_SIZE = 32 };

/** 1234567 -> "1,234,567". */
const char *number_grouped(char text[NUMBER_SIZE], long number);

/** About three digits, without an exponent where it can be read: "0.00123", "12.3", "8,124". */
const char *number_short(char text[NUMBER_SIZE], double number);

#endif
