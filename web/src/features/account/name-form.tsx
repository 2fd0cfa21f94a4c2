import { create } from "@bufbuild/protobuf";
import { createConnectQueryKey, useMutation, useTransport } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { reasonOf } from "../../api/errors";
import type { Profile } from "../../gen/insta/profile/v1/profile_pb";
import { GetProfileResponseSchema, ProfileService } from "../../gen/insta/profile/v1/profile_service_pb";
import { Notice, Problem } from "../../ui/feedback";
import { Field } from "../../ui/field";
import "./account.css";

/** Changes the name by which the assistant addresses the person. */
export function NameForm({ profile }: { profile: Profile }) {
  const queries = useQueryClient();
  const transport = useTransport();
  const profileKey = createConnectQueryKey({
    schema: ProfileService.method.getProfile,
    input: {},
    transport,
    cardinality: "finite",
  });
  const rename = useMutation(ProfileService.method.updateProfile, {
    onSuccess: ({ profile: renamed }) =>
      queries.setQueryData(profileKey, create(GetProfileResponseSchema, { profile: renamed })),
    onError: (error) => {
      if (reasonOf(error) === "ETAG_MISMATCH") void queries.invalidateQueries({ queryKey: profileKey });
    },
  });
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name") ?? "").trim();
    rename.mutate({ profile: { name, etag: profile.etag }, updateMask: { paths: ["name"] } });
  };
  return (
    <form className="name-form" onSubmit={save} aria-busy={rename.isPending}>
      {/* A name that was changed elsewhere replaces what is in the field. */}
      <Field
        key={profile.etag}
        label="Name"
        name="name"
        defaultValue={profile.name}
        maxLength={80}
        autoComplete="name"
        hint="The assistant calls you by this name."
      />
      <button type="submit" className="button" disabled={rename.isPending}>
        {rename.isPending ? "Saving…" : "Save"}
      </button>
      {rename.isError && <Problem error={rename.error} />}
      {rename.isSuccess && (
        <Notice>
          <p>Saved.</p>
        </Notice>
      )}
    </form>
  );
}
