/* bad.c - three faults on purpose: the runner fails unless each is caught, which proves that the sanitizers work. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *fault = argc > 1 ? argv[1] : "";
    if (!strcmp(fault, "address")) {
        double *x = malloc(4 * sizeof *x);
        volatile int beyond = 4;
        x[beyond] = 1.0;
        printf("%g\n", x[beyond]);
        free(x);
    } else if (!strcmp(fault, "undefined")) {
        volatile int large = INT_MAX;
        printf("%d\n", large + argc);
    } else if (!strcmp(fault, "leak")) {
        volatile char *lost = malloc((size_t)argc * 100);
        lost[0] = 1;
        lost = NULL;
        printf("%p\n", (void *)lost);
    }
    return 0;
}
