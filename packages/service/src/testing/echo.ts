// Defines a service for tests, `echo`, that sends back the bytes that it receives.
import type { Client, ServiceDefinition, sendUnaryData, UntypedHandleCall } from "@grpc/grpc-js";

const raw = (bytes: Buffer): Buffer => bytes;
const echoPath = "/test.Echo/Echo";

export const echoDefinition: ServiceDefinition = {
  echo: {
    path: echoPath,
    requestStream: false,
    responseStream: false,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  },
};

export const echo: UntypedHandleCall = (call: { request: Buffer }, answer: sendUnaryData<Buffer>) =>
  answer(null, call.request);

export function callEcho(client: Client, bytes: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(echoPath, raw, raw, bytes, { deadline: Date.now() + 5_000 }, (error, answer) =>
      error === null ? resolve(answer) : reject(error),
    );
  });
}
