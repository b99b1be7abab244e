/**
 * Every limit of the system, in one place: frames, queues, buffers, counts, deadlines. A name ends with its unit, if it
 * has one, and with `Max` or `Min`. A number from the network or from a file is compared with its limit before it
 * decides how much memory is allocated.
 */
export const limits = {
  /** Bytes of a message's header. The largest content of a header is the model description in `welcome`. */
  headerBytesMax: 16 * 1024,
  /** Levels of nested maps and arrays in a header. `welcome` needs four. */
  headerDepthMax: 6,
  /** Entries of one map in a header. `welcome` has twelve. */
  headerMapEntriesMax: 32,
  /**
   * Bytes of a whole frame. The largest frame has the predictions of an evaluation of the largest set, and a header.
   */
  frameBytesMax: 16 * 1024 * 1024,
  /** WebSocket frames of one message. Browsers divide a long message into several frames. */
  fragmentsMax: 1024,
  /** Buffers that are kept for reuse after their frame was sent. 26 of them hold the parts of a million parameters. */
  frameBuffersIdleMax: 26,
  /** Payload of one `samples` frame. It is small, so that the messages behind it in the queue do not wait long. */
  samplesBytesMax: 128 * 1024,
  /** Parameters of a model. */
  parametersMax: 15_000_000,
  layersMax: 64,
  /** Outputs of one layer, and pixels of one image. */
  layerWidthMax: 65_536,
  /** Extent of a kernel or of a pooling window along one axis, its stride, and its padding, in positions. */
  windowMax: 64,
  /** Numbers of one sample's inputs, or of the gradient at its outputs, with the zeros of the padding around them. */
  paddedWidthMax: 1_048_576,
  /** Height and width of a window of max pooling. The place of the largest value in a window is one byte. */
  maxPoolMax: 16,
  /** Labels are bytes. */
  classesMax: 256,
  /** The name of a class, in UTF-16 units. */
  classNameLengthMax: 32,
  /** Samples of one set. */
  samplesMax: 10_000_000,
  microBatchMax: 4096,
  /** Optimizer steps of a slot in a round. */
  localStepsMax: 65_536,
  /**
   * The largest settings of an augmentation, in pixels, degrees, a fraction and pixels. Its coordinates are 32-bit integers,
   * and cannot overflow within these limits.
   */
  augmentShiftMax: 64,
  augmentRotateMax: 180,
  augmentScaleMax: 0.5,
  augmentElasticMax: 64,
  /** Height and width of an image that is distorted, in pixels. */
  augmentSideMax: 1024,
  /** Slots of one step. */
  slotsMax: 1_000_000,
  /** Epochs of a run. */
  epochsMax: 1_000_000,
  /** Workers that one coordinator admits at a time. */
  membersMax: 1024,
  /** Banned workers that a coordinator remembers. When there are more, it forgets the oldest ban. */
  bansMax: 1024,
  /** Compute threads that one worker lends. */
  threadsMax: 256,
  /** A worker's name, in UTF-16 units. */
  nameLengthMax: 64,
  /** The kind that a worker states in `hello`, such as "browser", in UTF-16 units. */
  kindLengthMax: 32,
  /** The name of an arithmetic's specification, in UTF-16 units. */
  arithmeticLengthMax: 64,
  /** The description that a worker gives of its kernels, in UTF-16 units. */
  kernelsLengthMax: 64,
  /** Characters of a token. A shorter token could be guessed. A longer one is not needed in the handshake's header. */
  tokenLengthMin: 16,
  tokenLengthMax: 128,
  /** The sentence of an `error` message, in UTF-16 units. */
  messageLengthMax: 1024,
  /**
   * Bytes that may wait for the network of one member. This comes on top of the bytes that two steps and an evaluation
   * of the run need. A member with more waiting bytes is dropped as a slow reader.
   */
  sendQueueBytesMax: 32 * 1024 * 1024,
  /** Shapes of jobs for which a pool remembers how it divided the slots among the members. */
  cutsRememberedMax: 8,
  /** A connection must send `hello` within the first time, and `ready` within the second time after that. */
  helloMsMax: 10_000,
  prepareMsMax: 60_000,
  /** `lockstep conform` waits this long until the worker connects, and until it closes a connection that has ended. */
  conformConnectMsMax: 60_000,
  conformCloseMsMax: 5_000,
  /** A worker that is told to stay away must not come back within this time. */
  conformAwayMs: 2_000,
  /**
   * A worker that answers pings and returns no result of a single slot within this time is dropped. A device with 5 % of a
   * core needs 20 seconds for what another one computes in a second. The time includes the way of the weights to it and of
   * its sum back: a large model needs a minute for that on a link with 2 Mbit/s that it shares.
   */
  firstResultMsMax: 120_000,
  /** Shards leased to one member at a time. */
  leasesPerMemberMax: 64,
  /**
   * Late copies of shards that the fleet waits for at a time, to compare them with the first result. Each may need the
   * memory of two gradients and of a copy of the weights. Where slots travel one by one, it may need that of four gradients.
   */
  lateCopiesMax: 8,
  /** Partial sums that one pool keeps at a time, for all its jobs together. */
  partialBuffersMax: 8192,
  /**
   * Partial sums that a fleet has room for from the beginning, and bytes of that room. Some of them are written to
   * before the first step. Those are enough for two workers and two late copies.
   */
  partialsPrepared: 16,
  partialBytesPreparedMax: 64 * 1024 * 1024,
  partialsTouched: 8,
  partialBytesTouchedMax: 24 * 1024 * 1024,
  /** TCP connections of a coordinator at a time: workers, viewers and other HTTP clients together. */
  connectionsMax: 2048,
  /** The headers of an HTTP request, and the time within which the whole request must arrive. */
  requestHeaderBytesMax: 16 * 1024,
  requestMsMax: 10_000,
  /** The body of an HTTP request. */
  requestBodyBytesMax: 1024,
  /** An HTTP connection is closed when no byte moves for this time, whether or not a request is under way. */
  connectionIdleMsMax: 10_000,
  /** Streams of states at a time. A stream with more waiting bytes than the second limit is dropped. */
  viewersMax: 256,
  viewerQueueBytesMax: 1024 * 1024,
  /** The minimum time between two states, or `stateMsPerViewer` times the number of viewers if that is longer. */
  stateEveryMsMin: 250,
  stateMsPerViewer: 10,
  /** If the state does not change, it is sent again after this time. */
  stateSilenceMsMax: 5_000,
  /** The minimum time between two copies of the weights of a running run. */
  weightsCopyMsMin: 250,
  /**
   * The minimum time between two requests of one viewer for the weights, or `weightsMsPerViewer` times the number of
   * viewers if that is longer.
   */
  weightsEveryMsMin: 1_000,
  weightsMsPerViewer: 50,
  /** Large answers that are under way at a time: weights, models, metrics, evaluations. */
  downloadsMax: 64,
  /** Points of the curve that viewers see. This must be an even number, because the curve is halved when it is full. */
  curvePointsMax: 2_000,
  /** Past events and past alarms that viewers see. */
  eventsKept: 200,
  alarmsKept: 20,
  /** Workers that the fleet's table shows. Further workers are only counted. */
  workersShownMax: 256,
  /** Misclassified test images that viewers see, and the bytes of all of them together. */
  misclassifiedMax: 100,
  misclassifiedBytesMax: 256 * 1024,
  /** The size of a model description file. */
  modelFileBytesMax: 64 * 1024,
  /** Bytes of a file of options (`--config`). */
  configFileBytesMax: 64 * 1024,
  /** The number of dimensions of an IDX file. */
  idxDimensionsMax: 8,
  /** The size of one data file, both as it is on the disk and decompressed. */
  dataFileBytesMax: 1024 * 1024 * 1024,
  /** The size of a picture for `predict`: its file, its pixels, and the memory of the library that decodes a JPEG. */
  pictureFileBytesMax: 64 * 1024 * 1024,
  picturePixelsMax: 40_000_000,
  jpegMemoryMegabytesMax: 1024,
  /** The longer side of a picture when its ink is looked for. A larger picture is reduced first. */
  pictureSideMax: 1024,
  /** Mistakes that `eval` lists in JSON, the worst first, and that it draws. */
  mistakesListedMax: 10_000,
  mistakesDrawnMax: 60,
  /** Test images for which `textbook` computes the gradient at the outputs. */
  textbookImages: 1000,
  /** The size of a file that names the classes of a data set. */
  classesFileBytesMax: 64 * 1024,
  /** The size of a zip archive's list of files. */
  zipDirectoryBytesMax: 1024 * 1024,
  /** If no byte of a download arrives for this time, the next mirror is tried. */
  downloadStallMs: 10_000,
  /** A temporary file in the cache that was not written to for this time belongs to a process that has ended. */
  downloadLeftoverMs: 60 * 60 * 1000,
  /** A compiler must say its version within the first time, and compile a file of the kernels within the second one. */
  compilerVersionMsMax: 10_000,
  compilerMsMax: 60_000,
  /** The time after which a compiler is asked for its version again, though its file has not changed. */
  compilerVersionKeptMs: 24 * 60 * 60 * 1000,
  /** The time after which a build of the kernels that failed is tried again with the same compiler and source. */
  buildRetryMs: 24 * 60 * 60 * 1000,
  /** A directory of a build of the kernels that is older than this belongs to a process that has ended. */
  buildLeftoverMs: 60 * 60 * 1000,
  /** Builds of the kernels that the cache keeps: for other versions, compilers and processors. */
  buildsKept: 16,
  /**
   * A process that waits for another one's build looks at its file this often, and takes over when the file has not
   * changed for this many looks. The other one touches the file this often.
   */
  claimLookMs: 100,
  claimLooksMax: 50,
  claimTouchMs: 500,
  /** The header of a safetensors file, and the axes of one of its tensors. A model needs a few names per layer. */
  safetensorsHeaderBytesMax: 1024 * 1024,
  safetensorsAxesMax: 8,
  /** A file of weights that `--init`, `eval`, `predict` and `export` read: a checkpoint of the largest model has 180 MB. */
  weightsFileBytesMax: 256 * 1024 * 1024,
  /** The newest checkpoints that a run keeps, besides the best one. */
  checkpointsKept: 3,
  /** Lines of metrics that are collected in memory before they are written together. */
  metricsLinesPerWrite: 256,
  /** They wait for the others no longer than this. */
  metricsFlushMs: 1_000,
  /** Lines of metrics that wait in memory while the disk fails. If there are more, the oldest lines are lost. */
  metricsLinesWaitingMax: 65_536,
  /** Networks that `lockstep plan` plans for: the rate of the shared link, and the time of a round trip. */
  planMbpsMin: 0.01,
  planMbpsMax: 1_000_000,
  planRttMsMax: 60_000,
  /** Runs that one `lockstep view` shows. */
  viewedRunsMax: 24,
  /** Run directories that `lockstep view` compares to find the newest one. */
  viewCandidatesMax: 10_000,
  /** The time after which a view looks at a run's files again. */
  viewEveryMs: 500,
  /**
   * Bytes of metrics.jsonl that a view reads and parses in one turn of the event loop, and bytes of its longest line.
   */
  viewBytesPerTurnMax: 1024 * 1024,
  metricsLineBytesMax: 64 * 1024,
  /** Test sets that a view keeps in memory. */
  viewTestSetsMax: 2,
} as const;
