/** Says who may read what, and refuses the others in a sentence: the rules of `Access` as answers to HTTP requests. */
import { type Access, bearer } from './access.js';
import { fail, type Reply } from './reply.js';

/** The name of this program in the sentences of its refusals. */
export type ServerName = 'coordinator' | 'viewer';

export class Doorman {
  constructor(
    private readonly access: Access,
    private readonly self: ServerName,
  ) {}

  /** Whether a request used a name of this machine and came from an allowed page. If not, refuses it. */
  isReachedRightly(reply: Reply): boolean {
    const { headers } = reply.request;
    if (this.access.knowsHost(headers) && this.access.knowsOrigin(headers)) return true;
    fail(reply, 'forbidden', `this ${this.self} does not know that name or that page: see its --allow-host`);
    return false;
  }

  /** Whether a request may read. If not, refuses it. A request with the token may use any name. */
  mayRead(reply: Reply): boolean {
    const { access, self } = this;
    const token = bearer(reply.request.headers);
    if (access.roleOf(token) === 'nobody') {
      if (!access.isSettled) {
        fail(reply, 'not-ready', 'the run is not loaded yet');
        return false;
      }
      const how = `open the whole link that the ${self} printed, or send "Authorization: Bearer TOKEN"`;
      fail(reply, 'token-wrong', `the token is missing or wrong: ${how}`);
      return false;
    }
    return (access.needsToken && token !== null) || this.isReachedRightly(reply);
  }

  /** Whether a request may use a control. If not, refuses it. */
  mayControl(reply: Reply): boolean {
    if (!this.access.knowsOrigin(reply.request.headers)) {
      fail(reply, 'forbidden', 'not from that page');
      return false;
    }
    const role = this.access.roleOf(bearer(reply.request.headers));
    if (role === 'nobody') fail(reply, 'token-wrong', `the operator's token is missing or wrong: ${operatorHint}`);
    if (role === 'member') fail(reply, 'operator-only', `this needs the operator's token: ${operatorHint}`);
    return role === 'operator';
  }
}

const operatorHint = 'every start of the coordinator makes a new one, and prints the link that has it';
