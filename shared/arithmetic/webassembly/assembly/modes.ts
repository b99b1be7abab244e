/**
 * How a product writes its sums to C: it replaces the old values (STORE), adds to them (ACCUMULATE), or continues the
 * sums that an earlier part has begun there (CONTINUE).
 */
export const STORE = 0;
export const ACCUMULATE = 1;
export const CONTINUE = 2;

/**
 * The items of a product's left operand: rows or columns of a matrix, packed samples, or the pixels of packed samples.
 */
export const ROWS = 0;
export const COLUMNS = 1;
export const SAMPLES = 2;
export const PIXELS = 3;
