/**
 * The errors between two peers: one table of stable codes. A peer's fault is a value and is never thrown. The value
 * goes to the driver, which sends it to the peer in a `failure` message and closes with the code of the table.
 *
 * If a close code of RFC 6455 has the same meaning, the table uses it. Otherwise, the code is from the private range
 * (4000-4999). A published code keeps its meaning and its number.
 */
import { limits } from '../limits.js';
import { printableOf } from '../text.js';

export interface ErrorEntry {
  /** WebSocket close code. */
  readonly closeCode: number;
  /** What is wrong, as a full sentence. */
  readonly sentence: string;
  /** What people at the refused end can do. */
  readonly whatToDo: string;
}

const sameRelease = 'Run the same release of Lockstep on the coordinator and on every worker.';
const reportIt = 'This is a fault in one of the two programs, or something on the way alters frames: please report it.';

export const protocolErrors = {
  internal: {
    closeCode: 1011,
    sentence: 'The peer met an error of its own.',
    whatToDo: "Read the peer's log.",
  },
  'frame-too-large': {
    closeCode: 1009,
    sentence: 'A frame is larger than the protocol allows.',
    whatToDo: reportIt,
  },
  'bad-frame': {
    closeCode: 4000,
    sentence: 'A message is not a binary frame, or too short to hold the header that it announces.',
    whatToDo: 'Check that the address is that of a Lockstep coordinator.',
  },
  'header-too-large': {
    closeCode: 4001,
    sentence: "A frame's header is larger than the protocol allows.",
    whatToDo: reportIt,
  },
  'header-invalid': {
    closeCode: 4002,
    sentence: "A frame's header is not plain MessagePack.",
    whatToDo: reportIt,
  },
  'unknown-message': {
    closeCode: 4003,
    sentence: 'A message has a type that the protocol does not know in this direction.',
    whatToDo: sameRelease,
  },
  'field-invalid': {
    closeCode: 4004,
    sentence: 'A message has a field that is missing, unknown, of the wrong type or out of range.',
    whatToDo: sameRelease,
  },
  'payload-length': {
    closeCode: 4005,
    sentence: "A message's payload has not the length, or not the range of values, that it must have.",
    whatToDo: reportIt,
  },
  'unexpected-message': {
    closeCode: 4006,
    sentence: 'A message arrived that has no place at this point of the conversation.',
    whatToDo: reportIt,
  },
  'version-mismatch': {
    closeCode: 4010,
    sentence: 'The two ends speak different versions of the protocol.',
    whatToDo: sameRelease,
  },
  // 4011 was the code of another error in earlier versions, and is not used again.
  'known-answer-wrong': {
    closeCode: 4012,
    sentence: "The worker's kernels do not reproduce the known answer bit for bit.",
    whatToDo: 'Its engine or hardware computes wrongly: update the engine, or use another machine.',
  },
  'token-wrong': {
    closeCode: 4013,
    sentence: 'The coordinator asks for a token, and the one that was given is missing or wrong.',
    whatToDo: 'Copy the whole join address, or the token, that the coordinator printed at its start.',
  },
  'too-many-members': {
    closeCode: 4014,
    sentence: 'The coordinator has as many workers as it admits.',
    whatToDo: 'Join again when others have left, or raise the limit at the coordinator.',
  },
  'arithmetic-mismatch': {
    closeCode: 4015,
    sentence: "The worker computes by another specification of the arithmetic than the coordinator's.",
    whatToDo: 'Run the same release everywhere; in a browser, reload the page without its cache.',
  },
  banned: {
    closeCode: 4016,
    sentence: 'The coordinator does not admit this worker any more.',
    whatToDo: 'Find out at the coordinator why: after a wrong result, do not trust that machine with this run.',
  },
  'slow-reader': {
    closeCode: 4020,
    sentence: 'The worker reads more slowly than the run sends, and the buffer for it is full.',
    whatToDo: 'Use a faster network between the two, or a smaller model.',
  },
  'heartbeat-lost': {
    closeCode: 4021,
    sentence: 'The worker was silent for too long.',
    whatToDo: 'Join again; keep a tab visible or its machine awake, and check the network between the two.',
  },
  'bad-result': {
    closeCode: 4022,
    sentence: "The worker's result for a shard is not what the shard's computation gives.",
    whatToDo: 'Do not trust that machine with this run: its memory, processor or program is at fault.',
  },
  'no-progress': {
    closeCode: 4023,
    sentence: 'The worker let shards run out of time.',
    whatToDo: 'Lend fewer threads, or free the machine of other work; others do its shards meanwhile.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ProtocolErrorCode = keyof typeof protocolErrors;

/** A peer's fault. `detail` names the field, the number or the step at fault: "hello.threads is 0". */
export interface ProtocolError {
  readonly code: ProtocolErrorCode;
  readonly closeCode: number;
  /** The table's sentence and the detail, fit for a `failure` message and for a terminal. */
  readonly message: string;
  readonly whatToDo: string;
}

export function protocolError(code: ProtocolErrorCode, detail?: string): ProtocolError {
  const { closeCode, sentence, whatToDo } = protocolErrors[code];
  const message = detail === undefined ? sentence : `${sentence} (${detail})`;
  return { code, closeCode, message: printableOf(message, limits.messageLengthMax), whatToDo };
}
