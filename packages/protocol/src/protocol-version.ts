// Owns the protocol version: raised when a peer of the former version would misunderstand. Peers must be equal.
export const PROTOCOL_VERSION = 1;
