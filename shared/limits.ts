/**
 * Every limit of the system, in one place: frames, queues, buffers, counts, deadlines. Units are in the names.
 * A value from the network or a file is compared with these before anything is allocated from it.
 */
export const limits = {
  /** A message's header: the model description in `welcome` is the largest thing in one. */
  headerBytesMax: 16 * 1024,
  /** Nesting of a header's maps and arrays: `welcome` needs four. */
  headerDepthMax: 6,
  /** Entries of one map in a header: `welcome` has eleven. */
  headerMapEntriesMax: 32,
  /** A whole frame: the predictions of an evaluation of the largest set, and a header. */
  frameBytesMax: 16 * 1024 * 1024,
  /** Frames that one message may be cut into, as browsers cut long ones. */
  fragmentsMax: 1024,
  /** Buffers of sent frames, parts of a tensor, that are kept for the next ones: those of a million parameters. */
  frameBuffersIdleMax: 26,
  /** Payload of one `samples` frame: small enough that whatever is queued behind it does not wait for long. */
  samplesBytesMax: 128 * 1024,
  /** Parameters of a model. */
  parametersMax: 15_000_000,
  layersMax: 64,
  /** Outputs of one layer, and pixels of one image. */
  layerWidthMax: 65_536,
  /** Labels are bytes. */
  classesMax: 256,
  /** Samples of one set. */
  samplesMax: 10_000_000,
  microBatchMax: 4096,
  /** Micro-batches of one step. */
  slotsMax: 1_000_000,
  /** Workers that one coordinator admits. */
  membersMax: 1024,
  /** Workers that are banned at a time: above this, the oldest ban is forgotten. */
  bansMax: 1024,
  /** Compute threads that one worker lends. */
  threadsMax: 256,
  /** A worker's name, in UTF-16 units. */
  nameLengthMax: 64,
  /** What a worker says it is, such as "browser", in UTF-16 units. */
  kindLengthMax: 32,
  /** The name of an arithmetic's specification, in UTF-16 units. */
  arithmeticLengthMax: 64,
  /** What a worker says of its kernels, in UTF-16 units. */
  kernelsLengthMax: 64,
  /** A token: a shorter one could be guessed. It travels in one header of the handshake. */
  tokenLengthMin: 16,
  tokenLengthMax: 128,
  /** An error's sentence on the wire, in UTF-16 units. */
  messageLengthMax: 1024,
  /**
   * Bytes that may wait for a member's network before it is dropped as a slow reader, beside what two steps and an
   * evaluation of the run need in any case.
   */
  sendQueueBytesMax: 32 * 1024 * 1024,
  /** Jobs of different shapes whose split over the members a pool remembers. */
  cutsRememberedMax: 4,
  /** How long a connection may take for its `hello`, and for its `ready` after that. */
  helloMsMax: 10_000,
  prepareMsMax: 60_000,
  /** `lockstep conform`: how long a worker may take to connect, and to close a connection that is over. */
  conformConnectMsMax: 60_000,
  conformCloseMsMax: 5_000,
  /** Shards leased to one member at a time. */
  leasesPerMemberMax: 64,
  /** Late copies of shards that are awaited at a time, to be compared; each may cost a gradient and a copy of the weights. */
  lateCopiesMax: 8,
  /** Partial sums kept at a time, over all jobs of one pool. */
  partialBuffersMax: 8192,
  /** TCP connections of a coordinator: workers, viewers, and whoever asks for something. */
  connectionsMax: 2048,
  /** An HTTP request: its headers, and the time until it is there in whole. */
  requestHeaderBytesMax: 16 * 1024,
  requestMsMax: 10_000,
  /** Body of a request that has one. */
  requestBodyBytesMax: 1024,
  /** A connection over which nothing moves, while a request or its answer is under way or before the next one. */
  connectionIdleMsMax: 10_000,
  /** Streams of states at a time, and what may wait for one of them before it is dropped. */
  viewersMax: 256,
  viewerQueueBytesMax: 1024 * 1024,
  /** A state is sent no more often than this, and no more often than so long per viewer. */
  stateEveryMsMin: 250,
  stateMsPerViewer: 10,
  /** Without news, the state is sent again after this long. */
  stateSilenceMsMax: 5_000,
  /** The weights are copied out of a run no more often than this. */
  weightsCopyMsMin: 250,
  /** A viewer asks for the weights no more often than this, and than so long per viewer. */
  weightsEveryMsMin: 1_000,
  weightsMsPerViewer: 50,
  /** Answers of many bytes that are under way at a time: weights, models, metrics, evaluations. */
  downloadsMax: 64,
  /** Points of the curve that viewers are shown: even. */
  curvePointsMax: 2_000,
  /** What viewers are told of the past. */
  eventsKept: 200,
  alarmsKept: 20,
  /** Workers in the table of a fleet; the others are counted. */
  workersShownMax: 256,
  /** Test images that viewers are shown because they were misclassified, and their bytes. */
  misclassifiedMax: 100,
  misclassifiedBytesMax: 256 * 1024,
  /** A model description file. */
  modelFileBytesMax: 64 * 1024,
  /** Dimensions that an IDX file declares. */
  idxDimensionsMax: 8,
  /** One data file, decompressed. */
  dataFileBytesMax: 1024 * 1024 * 1024,
  /** A download that brings no byte for so long goes to the next mirror. */
  downloadStallMs: 10_000,
  /** A temporary file in the cache that nobody has written to for so long is a dead process's. */
  downloadLeftoverMs: 60 * 60 * 1000,
  /** The header of a checkpoint: a few names and shapes per layer. */
  safetensorsHeaderBytesMax: 1024 * 1024,
  safetensorsAxesMax: 8,
  /** Newest checkpoints that a run keeps, besides the best. */
  checkpointsKept: 3,
  /** Lines of metrics that are gathered before they are written. */
  metricsLinesPerWrite: 256,
  /** Lines of metrics that wait while the disk fails; then the oldest go. */
  metricsLinesWaitingMax: 65_536,
  /** Runs that one `lockstep view` shows. */
  viewedRunsMax: 24,
  /** Run directories among which the newest one is looked for. */
  viewCandidatesMax: 10_000,
  /** How long a view waits before it looks at a run's files again. */
  viewEveryMs: 500,
  /** Bytes of metrics.jsonl that a view reads and parses in one turn of the event loop, and the longest line of it. */
  viewBytesPerTurnMax: 1024 * 1024,
  metricsLineBytesMax: 64 * 1024,
  /** Test sets that a view keeps in memory. */
  viewTestSetsMax: 2,
} as const;
