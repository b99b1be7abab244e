/** What people call an update of the weights: in a run of rounds, it is a round. */
export type StepUnit = 'step' | 'round';

export function stepUnit({ localSteps }: { readonly localSteps: number }): StepUnit {
  return localSteps > 1 ? 'round' : 'step';
}
