/** The small control chunks in one import; each family has a file of its own. */
export { abortIsReflected, encodeAbort } from "./abort.ts";
export { cookieBytes, encodeCookieAck, encodeCookieEcho } from "./cookie.ts";
export { cwrTsn, ecneTsn, encodeCwr, encodeEcne } from "./ecn.ts";
export { encodeError } from "./error.ts";
export {
  encodeHeartbeat,
  encodeHeartbeatAck,
  heartbeatInfo,
  heartbeatParameters,
} from "./heartbeat.ts";
export {
  encodeShutdown,
  encodeShutdownAck,
  encodeShutdownComplete,
  shutdownCompleteIsReflected,
  shutdownCumulativeTsn,
} from "./shutdown.ts";
