/**
 * shimkit: SCTP (RFC 9260) for TypeScript, over UDP and over raw IP.
 *
 * {@link SctpStack} is where programs start: connections and listeners that feel like `Deno.Conn`
 * and `Deno.Listener`, and messages where a byte stream is not enough. {@link Endpoint} is the
 * engine below it, for those who bring their own clock, network and randomness.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const loopback = [IpAddress.parse("127.0.0.1")];
 * const options = { transport: "udp", udpPort: 0, localAddresses: loopback } as const;
 * await using server = SctpStack.open(options);
 * await using client = SctpStack.open(options);
 * const listener = server.listen({ port: 7 });
 *
 * const asking = await client.connect({
 *   addresses: "127.0.0.1",
 *   port: 7,
 *   encapsulationPort: server.encapsulationPort,
 * });
 * await asking.send(new TextEncoder().encode("hello"), { stream: 3 });
 *
 * const answering = await listener.accept();
 * const message = await answering.receive();
 * assert.equal(new TextDecoder().decode(message?.data), "hello");
 * assert.equal(message?.stream, 3);
 * ```
 *
 * @module
 */
export { SctpStack } from "./core/socket/stack.ts";
export type {
  ConnectOptions,
  EngineOptions,
  ListenOptions,
  OpenSocketOptions,
  SocketOptions,
  StackOptions,
} from "./core/socket/stack.ts";
export { SctpConnection } from "./core/socket/connection.ts";
export type { ConnectionOptions, SctpAddress } from "./core/socket/connection_types.ts";
export { SctpListener } from "./core/socket/listener.ts";
export type { ListenerOptions } from "./core/socket/listener.ts";
export type { AssociationOptions, Destination } from "./core/socket/association_options.ts";
export { OneToManySocket } from "./core/socket/one_to_many.ts";
export type {
  AssociationControl,
  OneToManyOptions,
  SocketMessage,
  SocketMessageOptions,
  SocketReceived,
  SocketSendvInfo,
} from "./core/socket/one_to_many_types.ts";
export type { SocketEvent } from "./core/socket/members.ts";
export { OPTIONS } from "./core/socket/options/table.ts";
export type {
  OptionInput,
  OptionKey,
  OptionName,
  OptionSettings,
  OptionValue,
} from "./core/socket/options/table.ts";
export type { AssociationChoice, OptionTarget } from "./core/socket/options/access.ts";
export { NOTIFICATIONS } from "./core/socket/options/events.ts";
export type { NotificationType } from "./core/socket/options/events.ts";
export type {
  AuthInfo,
  NxtInfo,
  RcvInfo,
  Received,
  SendFlag,
  SendvInfo,
  SndInfo,
} from "./core/socket/vectors.ts";
export { ConnectionKeys } from "./core/socket/keys.ts";
export { sendOptions } from "./core/socket/message.ts";
export type { Message, MessageOptions } from "./core/socket/message.ts";
export { ReliabilityControl } from "./core/socket/reliability.ts";
export type { PrInfo } from "./core/socket/reliability.ts";
export type { AbandonedCount, AbandonPolicy } from "./core/sctp/tx/partial_reliability.ts";
export type { SendOptions } from "./core/sctp/tx/send_queue.ts";
export type { SendFailure } from "./core/sctp/tx/send_failure.ts";
export type { ConnectionInfo, PathInfo } from "./core/socket/info.ts";
export { AddressControl } from "./core/socket/address_control.ts";
export type { AddAddressOptions } from "./core/sctp/procedures/address_changes.ts";
export { StreamControl } from "./core/socket/stream_control.ts";
export type { StreamReset } from "./core/sctp/procedures/stream_changes.ts";
export type { StreamSchedulerName } from "./core/sctp/tx/stream_scheduler.ts";
export type { ChangeOutcome, ConnectionEnd, ConnectionEvent } from "./core/socket/notifications.ts";
export { SctpError } from "./core/socket/errors.ts";
export type { SctpErrorCode } from "./core/socket/errors.ts";

export type { AuthenticationOptions } from "./core/sctp/auth/options.ts";
export type { SharedKey } from "./core/sctp/auth/shared_keys.ts";
export { Endpoint } from "./core/sctp/endpoint.ts";
export { IpAddress } from "./core/sctp/base/address.ts";
export type { Environment } from "./core/sctp/environment.ts";
export type { SctpEvent } from "./core/sctp/events.ts";
export type { Parameters } from "./core/sctp/parameters.ts";
