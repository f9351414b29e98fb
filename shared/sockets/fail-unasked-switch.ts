/** A `ClientRequest` of `node:http`. */
interface Asking {
  once(event: 'upgrade', listener: (answer: unknown, socket: { destroy(): unknown }) => void): unknown;
}

/**
 * A 101 that nobody asked for is a failure. Without a listener Node closes its connection and tells neither of an answer nor of
 * an error: who waits would wait for ever, whatever his time limit.
 */
export function failUnaskedSwitch(request: Asking, fail: (error: Error) => void): void {
  request.once('upgrade', (_answer, socket) => {
    socket.destroy();
    fail(new Error('it switched protocols without being asked'));
  });
}
