import { assertEquals } from "@std/assert";
import {
  cardInName,
  type CardNames,
  findCard,
  identityOf,
  nameOnCard,
} from "../src/card_identity.ts";

interface NumberedCard extends CardNames {
  readonly number: number;
}

function usbMicrophone(overrides: Partial<NumberedCard> = {}): NumberedCard {
  return {
    number: 1,
    id: "Device",
    longName: "USB PnP Sound Device at usb-0000:01:00.0-1.2, full speed",
    components: "USB0d8c:0014",
    ...overrides,
  };
}

const MICROPHONE = usbMicrophone();

const IN_OTHER_PORT = usbMicrophone({
  number: 3,
  longName: "USB PnP Sound Device at usb-0000:01:00.0-1.4, full speed",
});

const ON_BOARD: NumberedCard = {
  number: 0,
  id: "PCH",
  longName: "HDA Intel PCH at 0xf7f10000 irq 135",
  components: "HDA:10ec0887,1458a002,00100302",
};

Deno.test("findCard() finds a card that came back with another number", () => {
  const identity = identityOf(MICROPHONE, [ON_BOARD, MICROPHONE]);
  const replugged = usbMicrophone({ number: 4 });
  assertEquals(findCard(identity, [ON_BOARD, replugged]), replugged);
});

Deno.test("findCard() finds a card by its port when its id changed", () => {
  const identity = identityOf(MICROPHONE, [MICROPHONE, IN_OTHER_PORT]);
  const renamed = usbMicrophone({ id: "Device_1" });
  const other = { ...IN_OTHER_PORT, id: "Device" };
  assertEquals(findCard(identity, [other, renamed]), renamed);
});

Deno.test("findCard() prefers the id among cards of the same long name", () => {
  const twin = usbMicrophone({ number: 2, id: "Device_1" });
  const identity = identityOf(twin, [MICROPHONE, twin]);
  assertEquals(findCard(identity, [MICROPHONE, twin]), twin);
});

Deno.test("findCard() follows the only card of its model to another port", () => {
  const identity = identityOf(MICROPHONE, [ON_BOARD, MICROPHONE]);
  assertEquals(findCard(identity, [ON_BOARD, IN_OTHER_PORT]), IN_OTHER_PORT);
});

Deno.test("findCard() follows a card whose speed changed with the port", () => {
  const identity = identityOf(MICROPHONE, [MICROPHONE]);
  const faster = usbMicrophone({
    longName: "USB PnP Sound Device at usb-0000:00:14.0-3, high speed",
  });
  assertEquals(findCard(identity, [faster]), faster);
});

Deno.test("findCard() does not take a microphone's twin for it", () => {
  const identity = identityOf(MICROPHONE, [MICROPHONE, IN_OTHER_PORT]);
  assertEquals(identity.isOnlyOfItsModel, false);
  assertEquals(findCard(identity, [ON_BOARD, IN_OTHER_PORT]), undefined);
});

Deno.test("findCard() does not choose between two of the model", () => {
  const identity = identityOf(MICROPHONE, [MICROPHONE]);
  const third = usbMicrophone({
    number: 2,
    longName: "USB PnP Sound Device at usb-0000:01:00.0-1.3, full speed",
  });
  assertEquals(findCard(identity, [third, IN_OTHER_PORT]), undefined);
});

Deno.test("findCard() does not choose between two that match exactly", () => {
  const identity = identityOf(MICROPHONE, [MICROPHONE]);
  const same = usbMicrophone({ number: 2 });
  assertEquals(findCard(identity, [MICROPHONE, same]), undefined);
});

Deno.test("findCard() finds nothing among cards of other models", () => {
  const identity = identityOf(MICROPHONE, [MICROPHONE]);
  const otherMake = { ...IN_OTHER_PORT, components: "USB046d:0825" };
  assertEquals(findCard(identity, [ON_BOARD, otherMake]), undefined);
  assertEquals(findCard(identity, []), undefined);
});

Deno.test("identityOf() tells cards by their make, not by their name alone", () => {
  const otherMake = { ...IN_OTHER_PORT, components: "USB046d:0825" };
  assertEquals(identityOf(MICROPHONE, [MICROPHONE, otherMake]), {
    id: MICROPHONE.id,
    longName: MICROPHONE.longName,
    components: MICROPHONE.components,
    isOnlyOfItsModel: true,
  });
});

Deno.test('identityOf() takes the last "at" for the one before the port', () => {
  const named = (port: string) =>
    usbMicrophone({ longName: `Look at Me at usb-${port}, full speed` });
  const other = usbMicrophone({ longName: "Look at You at usb-3, full speed" });
  const isOnly = (cards: NumberedCard[]) =>
    identityOf(cards[0]!, cards).isOnlyOfItsModel;
  assertEquals(isOnly([named("1"), named("2")]), false);
  assertEquals(isOnly([named("1"), other]), true);
});

Deno.test("identityOf() knows a card whose long name has no port", () => {
  const hat = { number: 0, id: "hat", longName: "mic_hat", components: "" };
  assertEquals(identityOf(hat, [hat, ON_BOARD]).isOnlyOfItsModel, true);
  assertEquals(identityOf(hat, [hat, { ...hat }]).isOnlyOfItsModel, false);
});

Deno.test("nameOnCard() replaces the card, wherever it is in the name", () => {
  for (
    const [device, onCard, card] of [
      ["hw:1", "hw:7", "1"],
      ["hw:1,0", "hw:7,0", "1"],
      ["hw:1,DEV=0", "hw:7,DEV=0", "1"],
      ["plughw:Mic", "plughw:7", "Mic"],
      ["plughw:CARD=Mic,DEV=0", "plughw:CARD=7,DEV=0", "Mic"],
      ["plughw:DEV=0,CARD=Mic", "plughw:DEV=0,CARD=7", "Mic"],
      ["plughw: CARD = Mic , DEV = 0", "plughw: CARD = 7 , DEV = 0", "Mic"],
      ["default:Mic", "default:7", "Mic"],
      ["default:CARD=Mic", "default:CARD=7", "Mic"],
      ["sysdefault:CARD=Mic", "sysdefault:CARD=7", "Mic"],
      ["dsnoop:CARD=Mic,DEV=0", "dsnoop:CARD=7,DEV=0", "Mic"],
      ["front:Mic_1,0", "front:7,0", "Mic_1"],
      ["surround51:2", "surround51:7", "2"],
      ["iec958:AES0=4,CARD=Mic", "iec958:AES0=4,CARD=7", "Mic"],
      ["mymic:CARD=Mic", "mymic:CARD=7", "Mic"],
    ] as const
  ) {
    assertEquals(nameOnCard(device, 7), onCard);
    assertEquals(cardInName(device), card);
  }
});

Deno.test("nameOnCard() leaves names without a card as they are", () => {
  for (
    const device of [
      "default",
      "pulse",
      "mymic",
      "hw",
      "hw:",
      "hw:DEV=1",
      "mymic:1",
      "plug:hw",
      "plug:SLAVE='hw:CARD=Mic,DEV=0'",
      'plug:"hw:DEV=0,CARD=Mic"',
      "file:'/dev/null',raw",
      "hw:{CARD Mic DEV 0}",
      "",
    ]
  ) {
    assertEquals(nameOnCard(device, 7), device);
    assertEquals(cardInName(device), undefined);
  }
});
