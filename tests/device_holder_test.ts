import { assertEquals, assertInstanceOf } from "@std/assert";
import { ownerPidOf, withHolders } from "../src/device_holder.ts";
import { AlsaError } from "../src/pcm.ts";

/** Two cards; the microphone has two substreams, one of them open. */
const PROC: Readonly<Record<string, string>> = {
  "/proc/asound/pcm":
    `00-00: ALC887 Analog : ALC887 Analog : playback 1 : capture 1
00-03: HDMI 0 : HDMI 0 : playback 1
01-02: USB Audio : USB Audio : capture 2
`,
  "/proc/asound/card0/id": "PCH\n",
  "/proc/asound/card0/pcm0c/sub0/status": status(4321),
  "/proc/asound/card1/id": "Mic\n",
  "/proc/asound/card1/pcm2c/sub0/status": "closed\n",
  "/proc/asound/card1/pcm2c/sub1/status": status(1234),
  "/proc/1234/status": "Name:\tarecord\nTgid:\t1234\nPid:\t1234\n",
  "/proc/1234/comm": "arecord\n",
  "/proc/4321/status": "Name:\tdata-loop.0\nTgid:\t4000\nPid:\t4321\n",
  "/proc/4321/comm": "data-loop.0\n",
  "/proc/4000/comm": "pipewire\n",
};

function status(pid: number): string {
  return `state: RUNNING
owner_pid   : ${pid}
trigger_time: 9120.264112518
tstamp      : 0.000000000
delay       : 480
avail       : 480
avail_max   : 960
-----
hw_ptr      : 96480
appl_ptr    : 96000
`;
}

/** Whom the advice for a busy device names, in files of `/proc`. */
function adviceFor(
  device: string,
  files: Readonly<Record<string, string | undefined>> = PROC,
): string {
  const busy = new AlsaError("snd_pcm_open", -16);
  const error = withHolders(busy, device, (path) => files[path]);
  assertInstanceOf(error, AlsaError);
  return error.advice;
}

const UNNAMED = new AlsaError("snd_pcm_open", -16).advice;

Deno.test("ownerPidOf() reads who has opened a substream", () => {
  assertEquals(ownerPidOf(status(1234)), 1234);
  assertEquals(ownerPidOf("closed\n"), undefined);
  assertEquals(ownerPidOf(""), undefined);
});

Deno.test("ownerPidOf() knows no owner outside of the container", () => {
  assertEquals(ownerPidOf(status(0)), undefined);
});

Deno.test("The advice for a busy device names the program that holds its card", () => {
  for (const device of ["hw:1", "plughw:1,2", "plughw:CARD=Mic,DEV=2"]) {
    assertEquals(
      adviceFor(device),
      'It is held by "arecord" (process 1234): close it, or use "default", which can be shared',
    );
  }
});

Deno.test("The advice for a busy device names the process of the thread that opened it", () => {
  assertEquals(
    adviceFor("hw:PCH"),
    'It is held by "pipewire" (process 4000): close it, or use "default", which can be shared',
  );
});

Deno.test("The advice for a busy device without a card names all that capture", () => {
  const all = '"pipewire" (process 4000) and "arecord" (process 1234)';
  assertEquals(
    adviceFor("mymic"),
    `It is held by ${all}: close them, or use "default", which can be shared`,
  );
  assertEquals(adviceFor("default"), `It is held by ${all}: close them`);
});

Deno.test("The advice for a busy device names a program once", () => {
  const files = {
    ...PROC,
    "/proc/asound/card1/pcm2c/sub0/status": status(1234),
  };
  assertEquals(adviceFor("hw:1", files), adviceFor("hw:1"));
});

Deno.test("The advice for a busy device tells the number of a process without a name", () => {
  assertEquals(
    adviceFor("hw:1", {
      ...PROC,
      "/proc/1234/status": undefined,
      "/proc/1234/comm": undefined,
    }),
    'It is held by process 1234: close it, or use "default", which can be shared',
  );
});

Deno.test("The advice for a busy device stays when nobody is found", () => {
  assertEquals(adviceFor("hw:1", {}), UNNAMED);
  assertEquals(
    adviceFor("hw:1", {
      ...PROC,
      "/proc/asound/card1/pcm2c/sub1/status": "closed\n",
    }),
    UNNAMED,
  );
});

Deno.test("The error of a busy device says the same but for its advice", () => {
  const busy = new AlsaError("snd_pcm_open", -16, {
    detail: 'the device "hw:1"',
  });
  const error = withHolders(busy, "hw:1", (path) => PROC[path]);
  assertInstanceOf(error, AlsaError);
  const { call, errno, code, kind, message, advice } = error;
  assertEquals({ call, errno, code, kind }, {
    call: "snd_pcm_open",
    errno: 16,
    code: "EBUSY",
    kind: "busy",
  });
  assertEquals(message, busy.message.replace(busy.advice, advice));
});

Deno.test("Errors that do not say busy stay as they are", () => {
  const read = () => {
    throw new Error("nothing is read");
  };
  const missing = new AlsaError("snd_pcm_open", -2);
  assertEquals(withHolders(missing, "hw:1", read), missing);
  const other = new TypeError("other");
  assertEquals(withHolders(other, "hw:1", read), other);
});
