/** What a device that joins now will send and receive, and whether there is work for it: `GET /api/join`. */
export interface JoinOffer {
  /** Local steps of a slot. Above 1, each step of the run is a round. */
  readonly localSteps: number;
  /** Slots of a step, and the machines' parts that share them: the workers and the coordinator's own threads. */
  readonly slots: number;
  readonly sharers: number;
  readonly stepsLeft: number;
  /** The weights that every device gets first. */
  readonly joinBytes: number;
  /** Sent and received by a device with its share of the slots, in each step. */
  readonly stepBytes: number;
  /** Its samples, each of which it gets once. */
  readonly samplesBytes: number;
}
