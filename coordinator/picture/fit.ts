/**
 * How a picture becomes a sample. `ink`: what is drawn is centred and scaled as the pad does. `whole`: the whole picture is
 * scaled to the size. `auto`: a picture of the model's own size is taken as it is, and any other one is fitted by its ink.
 */
export type Fit = (typeof fits)[number];
export const fits = ['auto', 'ink', 'whole'] as const;
