/** Failures as the services send them. */
import { create } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb";

/** A failure with a reason. */
export function failure(code: Code, reason: string, retryAfterSeconds?: number): ConnectError {
  const info = { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason, domain: "test.insta" }) };
  const retryDelay = create(DurationSchema, { seconds: BigInt(retryAfterSeconds ?? 0) });
  const retry = { desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay }) };
  const details = retryAfterSeconds === undefined ? [info] : [info, retry];
  return new ConnectError("words for programmers", code, undefined, details);
}

/** A refusal of one field. */
export function badField(code: Code, field: string, description: string): ConnectError {
  const value = create(BadRequestSchema, { fieldViolations: [{ field, description }] });
  return new ConnectError("invalid", code, undefined, [{ desc: BadRequestSchema, value }]);
}
