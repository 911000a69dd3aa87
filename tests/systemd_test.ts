import { assert, assertEquals, assertFalse } from "@std/assert";
import { sendDatagram } from "../ffi/datagram.ts";
import { SystemdNotifier } from "../src/systemd.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";
import { DatagramReceiver } from "./datagram_receiver.ts";

function lab(watchdogMs?: number) {
  const clock = new FakeClock();
  const sent: string[] = [];
  const systemd = new SystemdNotifier({
    clock,
    watchdogMs,
    send: (message) => sent.push(message) > 0,
  });
  return { clock, sent, systemd };
}

Deno.test("SystemdNotifier says that the service is ready, with a status of one line", () => {
  const { sent, systemd } = lab();
  systemd.ready("Listening\nWATCHDOG=1");
  systemd.stopping();
  assertEquals(sent, ["READY=1\nSTATUS=Listening WATCHDOG=1", "STOPPING=1"]);
});

Deno.test("SystemdNotifier feeds the watchdog three times in its interval, however often it is told to", async () => {
  const { clock, sent, systemd } = lab(3000);
  for (let ms = 0; ms < 3000; ms += 20) {
    systemd.alive();
    await clock.advance(20);
  }
  assertEquals(sent, ["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
});

Deno.test("SystemdNotifier feeds no watchdog where there is none", () => {
  const { sent, systemd } = lab();
  systemd.alive();
  assertEquals(sent, []);
});

Deno.test("SystemdNotifier changes the status once a second at most", async () => {
  const { clock, sent, systemd } = lab();
  for (let i = 0; i < 30; i++) {
    systemd.status(`state ${i}`);
    await clock.advance(100);
  }
  assertEquals(sent, ["STATUS=state 0", "STATUS=state 10", "STATUS=state 20"]);
});

Deno.test("SystemdNotifier says the latest status that came too soon at the next call, watchdog or not", async () => {
  for (const watchdogMs of [undefined, 60_000]) {
    const { clock, sent, systemd } = lab(watchdogMs);
    systemd.status("lost");
    systemd.status("opening");
    systemd.status("back");
    await clock.advance(999);
    systemd.alive();
    await clock.advance(1);
    systemd.alive();
    systemd.alive();
    assertEquals(
      sent.filter((message) => message.startsWith("STATUS=")),
      ["STATUS=lost", "STATUS=back"],
    );
  }
});

Deno.test("SystemdNotifier.ready() with a status outdates the one that came too soon", async () => {
  const { clock, sent, systemd } = lab();
  systemd.status("Opening");
  systemd.status("Connecting");
  systemd.ready("Listening");
  await clock.advance(1000);
  systemd.alive();
  assertEquals(sent, ["STATUS=Opening", "READY=1\nSTATUS=Listening"]);
});

Deno.test("SystemdNotifier.stopping() says the status that came too soon, as no call may follow", () => {
  const { sent, systemd } = lab();
  systemd.status("Listening");
  systemd.status("The device is gone");
  systemd.stopping();
  assertEquals(sent, [
    "STATUS=Listening",
    "STOPPING=1\nSTATUS=The device is gone",
  ]);
});

Deno.test("SystemdNotifier.fromEnvironment() gives nothing where no systemd listens", () => {
  Deno.env.delete("NOTIFY_SOCKET");
  assertEquals(SystemdNotifier.fromEnvironment(), undefined);
});

Deno.test("SystemdNotifier.fromEnvironment() knows the socket and the watchdog, which may be for another process", () => {
  Deno.env.set("NOTIFY_SOCKET", "/nowhere/notify");
  Deno.env.set("WATCHDOG_USEC", "30000000");
  try {
    assertEquals(SystemdNotifier.fromEnvironment()!.watchdogMs, 30_000);
    Deno.env.set("WATCHDOG_PID", String(Deno.pid));
    assertEquals(SystemdNotifier.fromEnvironment()!.watchdogMs, 30_000);
    Deno.env.set("WATCHDOG_PID", "1");
    assertEquals(SystemdNotifier.fromEnvironment()!.watchdogMs, undefined);
  } finally {
    Deno.env.delete("NOTIFY_SOCKET");
    Deno.env.delete("WATCHDOG_USEC");
    Deno.env.delete("WATCHDOG_PID");
  }
});

for (const kind of ["a path", "an abstract name"]) {
  Deno.test(`sendDatagram() reaches a socket that has ${kind}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const path = kind === "a path"
        ? `${folder}/notify`
        : `@earshot-test-${Deno.pid}`;
      using receiver = DatagramReceiver.open(path);
      if (receiver === undefined) return skipWithoutLibasound();
      assert(sendDatagram(path, "READY=1"));
      assertEquals(receiver.receive(), ["READY=1"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function skipWithoutLibasound(): void {
  console.log("Left out: datagrams, which need libasound");
}

Deno.test("sendDatagram() takes the longest path there can be, of 107 bytes, and none longer", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/`.padEnd(107, "x");
    using receiver = DatagramReceiver.open(path);
    if (receiver === undefined) return skipWithoutLibasound();
    assert(sendDatagram(path, "READY=1"));
    assertFalse(sendDatagram(`${path}x`, "READY=1"));
    assertEquals(receiver.receive(), ["READY=1"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("sendDatagram() says when nobody could be reached", () => {
  using receiver = DatagramReceiver.open(`@earshot-probe-${Deno.pid}`);
  if (receiver === undefined) return skipWithoutLibasound();
  assertFalse(sendDatagram("/nowhere/notify", "READY=1"));
  assertFalse(sendDatagram(`/${"x".repeat(200)}`, "READY=1"));
});
