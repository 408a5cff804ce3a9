/* What follows from an M6 report: sentences that its figures decide. */
#ifndef M6_FINDINGS_H
#define M6_FINDINGS_H

#include "record.h"

#include <stdio.h>

void print_findings(const struct record *record, FILE *stream);
void print_recommendations(const struct record *record, FILE *stream);

#endif
