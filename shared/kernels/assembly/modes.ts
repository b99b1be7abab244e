/** How a product writes its sums: over what is there, added to it, or as the continuation of sums begun there. */
export const STORE = 0;
export const ACCUMULATE = 1;
export const CONTINUE = 2;
