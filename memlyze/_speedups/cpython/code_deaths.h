/* Code objects that die: the code table goes by their addresses, which others get then. */
#ifndef MEMLYZE_CODE_DEATHS_H
#define MEMLYZE_CODE_DEATHS_H

/* From now on the code table is told. With the GIL held. */
void ml_code_deaths_watch(void);

#endif
