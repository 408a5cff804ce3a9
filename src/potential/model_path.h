/* From the name of a model to its file. */
#ifndef SCH_POTENTIAL_MODEL_PATH_H
#define SCH_POTENTIAL_MODEL_PATH_H

#include "base/status.h"

/** As sch_model_load says. @param path [out] freed by free(). */
sch_status model_path_find(char **path, const char *name_or_path)
    __attribute__((warn_unused_result));

#endif
