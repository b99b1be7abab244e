/** How a product writes its sums: over what is there, added to it, or as the continuation of sums begun there. */
export const STORE = 0;
export const ACCUMULATE = 1;
export const CONTINUE = 2;

/** What the items of a product's left operand are: rows or columns of a matrix; packed samples, or their pixels. */
export const ROWS = 0;
export const COLUMNS = 1;
export const SAMPLES = 2;
export const PIXELS = 3;
