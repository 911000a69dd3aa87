/** The other end of a WebSocket, in the hands of a test. */

/** A stand-in for `WebSocket` that a test plays the server of. */
export class FakeSocket {
  readonly sent: Record<string, unknown>[] = [];
  bufferedAmount = 0;
  closedWith: number | undefined;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  /** Whether it answers a close frame. */
  answersClose = true;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(code: number): void {
    this.closedWith = code;
    if (this.answersClose) {
      queueMicrotask(() => this.onclose?.({ code, reason: "" }));
    }
  }

  /** The server says something. */
  receive(event: unknown): void {
    this.onmessage?.({
      data: typeof event === "string" ? event : JSON.stringify(event),
    });
  }

  /** What was sent, by type. */
  get sentTypes(): unknown[] {
    return this.sent.map((event) => event.type);
  }
}
