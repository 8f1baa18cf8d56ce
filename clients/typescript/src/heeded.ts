/** Owns whether an authority has minded what a question names: an older one passes over what it does not know. */
import { create, equals, type MessageInitShape } from "@bufbuild/protobuf";
import { InconclusiveError } from "./errors.js";
import {
  SessionFilterSchema,
  type ListSessionsRequestSchema,
  type ListSessionsResponse,
} from "./gen/gatelodge/v1/admin_pb.js";
import type { GetAccessTokenRequestSchema, GetAccessTokenResponse } from "./gen/gatelodge/v1/session_pb.js";

/** The answer, of an authority that has listed no more than was asked for. */
export function withFilter(
  question: MessageInitShape<typeof ListSessionsRequestSchema>,
  answer: ListSessionsResponse,
): ListSessionsResponse {
  const { userId = "", provider = "", providerSessionId = "", createdAfter, createdBefore } = question;
  const times = { ...(createdAfter ? { createdAfter } : {}), ...(createdBefore ? { createdBefore } : {}) };
  const asked = create(SessionFilterSchema, { userId, provider, providerSessionId, ...times });
  // The filter by user is older than the answer's word for it.
  const isNew = !equals(SessionFilterSchema, { ...asked, userId: "" }, create(SessionFilterSchema));
  if (isNew && !(answer.appliedFilter && equals(SessionFilterSchema, asked, answer.appliedFilter))) {
    throw new InconclusiveError("the authority did not apply the filter that was asked for: upgrade it");
  }
  return answer;
}

/** The answer, whose token is for the audience that was asked for. */
export function forAudience(
  { audience = "" }: MessageInitShape<typeof GetAccessTokenRequestSchema>,
  answer: GetAccessTokenResponse,
): GetAccessTokenResponse {
  if (answer.outcome.case === "accessToken" && answer.outcome.value.audience !== audience) {
    throw new InconclusiveError("the token is not for the audience that was asked for: upgrade the authority");
  }
  return answer;
}
