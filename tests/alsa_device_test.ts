import { assertEquals } from "@std/assert";
import type { CardDevice, PcmHint } from "../ffi/devices.ts";
import type { PcmSnapshot } from "../ffi/pcm.ts";
import { arrangeDevices, toPcmStatus } from "../src/alsa_device.ts";

const USB_MICROPHONE: CardDevice = {
  card: 1,
  cardId: "Device",
  cardName: "USB PnP Sound Device at usb-1.3, full speed",
  device: 0,
  deviceName: "USB Audio",
  busy: false,
  capabilities: {
    sampleRates: [44_100, 48_000],
    channelCounts: [1],
    sampleFormats: ["S16_LE"],
  },
};

function hint(name: string, description = ""): PcmHint {
  return { name, description };
}

Deno.test("listDevices() puts the default first and hardware before plugins", () => {
  const devices = arrangeDevices({
    cardDevices: [USB_MICROPHONE, { ...USB_MICROPHONE, device: 2 }],
    hints: [hint("null"), hint("pulse"), hint("default")],
  });
  assertEquals(devices.map(({ index, name }) => [index, name]), [
    [0, "default"],
    [1, "plughw:CARD=Device,DEV=0"],
    [2, "plughw:CARD=Device,DEV=2"],
    [3, "null"],
    [4, "pulse"],
  ]);
});

Deno.test("listDevices() describes hardware by its card, its device and what it can do", () => {
  const devices = arrangeDevices({ cardDevices: [USB_MICROPHONE], hints: [] });
  assertEquals(devices, [{
    index: 0,
    name: "plughw:CARD=Device,DEV=0",
    description: "USB PnP Sound Device at usb-1.3, full speed, USB Audio",
    busy: false,
    native: USB_MICROPHONE.capabilities,
  }]);
});

Deno.test("listDevices() keeps hardware that another program holds", () => {
  const busy = { ...USB_MICROPHONE, busy: true, capabilities: undefined };
  const [device] = arrangeDevices({ cardDevices: [busy], hints: [] });
  assertEquals(device?.busy, true);
  assertEquals(device?.native, undefined);
});

Deno.test("listDevices() leaves out the many names that a card has besides", () => {
  const devices = arrangeDevices({
    cardDevices: [USB_MICROPHONE],
    hints: [hint("sysdefault:CARD=Device"), hint("front:CARD=Device,DEV=0")],
  });
  assertEquals(devices.length, 1);
});

Deno.test("listDevices() tells a description of two lines in one", () => {
  const [device] = arrangeDevices({
    cardDevices: [],
    hints: [hint("studio", "Desk\nleft of the door")],
  });
  assertEquals(device?.description, "Desk, left of the door");
});

const SNAPSHOT: PcmSnapshot = {
  state: "running",
  availableFrames: 480,
  delayFrames: 500,
  monotonicMs: 90_000,
};

const CONTEXT = { periodFrames: 480, clockOffsetMs: -89_000, nowMs: 1000.25 };

Deno.test("status() is on the timeline of performance.now()", () => {
  assertEquals(toPcmStatus(SNAPSHOT, CONTEXT), {
    state: "running",
    availableFrames: 480,
    delayFrames: 500,
    timestampMs: 1000,
  });
});

Deno.test("status() takes the present moment when the device gives no timestamp", () => {
  const status = toPcmStatus({ ...SNAPSHOT, monotonicMs: 0 }, CONTEXT);
  assertEquals(status.timestampMs, CONTEXT.nowMs);
});

Deno.test("status() takes the present moment when the timestamp is of another clock", () => {
  const timeOfDay = { ...SNAPSHOT, monotonicMs: 1_700_000_000_000 };
  assertEquals(toPcmStatus(timeOfDay, CONTEXT).timestampMs, CONTEXT.nowMs);
});

Deno.test("status() does not believe a delay shorter than what can be read", () => {
  const status = toPcmStatus({ ...SNAPSHOT, delayFrames: 20 }, CONTEXT);
  assertEquals(status.delayFrames, 480);
});

Deno.test("status() believes that hardware holds back two periods, and no more", () => {
  const delayOf = (delayFrames: number) =>
    toPcmStatus({ ...SNAPSHOT, delayFrames }, CONTEXT).delayFrames;
  assertEquals(delayOf(480 + 960), 480 + 960);
  assertEquals(delayOf(480 + 961), 480);
});
