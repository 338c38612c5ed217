/**
 * Forwards that lead back to themselves: each connection to one would become another one, until no
 * descriptors are left. Pure.
 */
import { IpAddress } from "../sctp/base/address.ts";
import { formatHostPort } from "./endpoint_spec.ts";
import type { ForwardConfig, ServeConfig } from "./protocol.ts";

/** What of a daemon's configuration can make a loop. */
export interface LoopQuestion {
  readonly forwards: readonly ForwardConfig[];
  readonly serves: readonly ServeConfig[];
  /** Whether forwards go over TCP where SCTP is not to be had. */
  readonly fallback: boolean;
  /** Whether an association with an address of this host comes to this daemon. */
  readonly servesItself: boolean;
  /** Whether an address is one of this host's. */
  readonly isOwn: (address: IpAddress) => boolean;
}

/** Where connections go on: to which addresses of this host, and how. */
interface Exit {
  readonly own: readonly IpAddress[];
  readonly port: number;
  readonly sctp: boolean;
  readonly tcp: boolean;
}

/** What takes connections and has them go on. */
interface Door {
  /** The front, if it is a forward's. */
  readonly front: string | undefined;
  readonly exit: Exit;
  /** Whether what leaves by an exit comes in here. */
  readonly isEntered: (exit: Exit) => boolean;
}

/** The front of a forward that leads back to itself, as "HOST:PORT"; `undefined` if there is none. */
export function findLoop(question: LoopQuestion): string | undefined {
  const { forwards, serves } = question;
  const doors = [
    ...forwards.map((forward) => forwardDoor(forward, question)),
    ...serves.map((serve) => serveDoor(serve, question)),
  ];
  return doors.find((door) => door.front !== undefined && reachedFrom(door, doors).has(door))
    ?.front;
}

function forwardDoor(
  { listen, addresses, port }: ForwardConfig,
  { fallback, isOwn }: LoopQuestion,
): Door {
  const at = IpAddress.parse(listen.address);
  const own = addresses.map(IpAddress.parse).filter(isOwn);
  return {
    front: formatHostPort(listen.address, listen.port),
    exit: { own, port, sctp: true, tcp: fallback },
    isEntered: (exit) =>
      exit.tcp && exit.port === listen.port &&
      exit.own.some((address) => address.equals(at) || at.isWildcard),
  };
}

function serveDoor(
  { port, addresses, hostPort }: ServeConfig,
  { servesItself, isOwn }: LoopQuestion,
): Door {
  const own = addresses.map(IpAddress.parse).filter(isOwn);
  return {
    front: undefined,
    exit: { own, port: hostPort, sctp: false, tcp: true },
    isEntered: (exit) => servesItself && exit.sctp && exit.port === port && exit.own.length > 0,
  };
}

function reachedFrom(start: Door, doors: readonly Door[]): ReadonlySet<Door> {
  const reached = new Set<Door>();
  const open = [start];
  for (const { exit } of open) {
    for (const door of doors) {
      if (reached.has(door) || !door.isEntered(exit)) continue;
      reached.add(door);
      open.push(door);
    }
  }
  return reached;
}
