import { useQuery } from "@connectrpc/connect-query";
import { type Profile, SubscriptionTier } from "../../gen/insta/profile/v1/profile_pb";
import { ProfileService } from "../../gen/insta/profile/v1/profile_service_pb";
import { Loading, Problem } from "../../ui/feedback";
import { date, dateTime } from "../../ui/format";
import { Page } from "../../ui/page";
import { Link } from "../../ui/router";
import { NameForm } from "./name-form";

const TIERS: Record<SubscriptionTier, string> = {
  [SubscriptionTier.UNSPECIFIED]: "Unknown",
  [SubscriptionTier.FREE]: "Free",
  [SubscriptionTier.PRO]: "Pro",
  [SubscriptionTier.ENTERPRISE]: "Enterprise",
};

/** What is known of the person who is signed in: the same that the assistant is told. */
export function AccountPage() {
  const profile = useQuery(ProfileService.method.getProfile, {});
  return (
    <Page title="Your account">
      {profile.isPending && <Loading what="Loading your account…" />}
      {profile.isError && <Problem error={profile.error} onRetry={() => profile.refetch()} />}
      {profile.data?.profile && (
        <>
          <ProfileView profile={profile.data.profile} />
          <LastCall profile={profile.data.profile} />
          <Facts />
        </>
      )}
    </Page>
  );
}

function ProfileView({ profile }: { profile: Profile }) {
  return (
    <section className="card" aria-label="Profile">
      <NameForm profile={profile} />
      <dl className="facts">
        <div>
          <dt>E-mail</dt>
          <dd>{profile.email || "Not known"}</dd>
        </div>
        <div>
          <dt>Plan</dt>
          <dd>{TIERS[profile.subscriptionTier] ?? "Unknown"}</dd>
        </div>
        {profile.createTime && (
          <div>
            <dt>Here since</dt>
            <dd>{date(profile.createTime)}</dd>
          </div>
        )}
      </dl>
    </section>
  );
}

function LastCall({ profile }: { profile: Profile }) {
  return (
    <section className="card" aria-labelledby="last-call">
      <h2 id="last-call">Your last call</h2>
      {profile.lastInteractionSummary ? (
        <>
          <p>{profile.lastInteractionSummary}</p>
          {profile.lastInteractionTime && <p className="muted">{dateTime(profile.lastInteractionTime)}</p>}
        </>
      ) : (
        <p className="muted">
          There is none yet. <Link href="/">Make a call</Link>
        </p>
      )}
    </section>
  );
}

function Facts() {
  const facts = useQuery(ProfileService.method.listAccountFacts, {});
  return (
    <section className="card" aria-labelledby="account-facts">
      <h2 id="account-facts">What the assistant knows about your account</h2>
      {facts.isPending && <Loading what="Loading…" />}
      {facts.isError && <Problem error={facts.error} onRetry={() => facts.refetch()} />}
      {facts.data?.facts.length === 0 && <p className="muted">Nothing is on record yet.</p>}
      {facts.data && facts.data.facts.length > 0 && (
        <dl className="facts">
          {facts.data.facts.map((fact) => (
            <div key={fact.key}>
              <dt>{fact.label}</dt>
              <dd>{fact.value}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
