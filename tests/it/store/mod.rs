//! Owns the conformance suite of the stores: one list of tests, run against every store there is. What only one of
//! them can do or suffer has a file of its own. Does not know the inside of any store.

mod answers;
mod audit;
pub mod bench;
mod caller_keys;
mod cost;
mod embedded_file;
mod embedded_kill;
mod events;
mod index;
mod leases;
mod logins;
mod logouts;
mod marks;
mod mint_keys;
mod races;
mod rates;
mod redis_events;
mod redis_fitness;
mod redis_keys;
mod redis_resend;
mod redis_tls;
mod redis_trouble;
mod replicas;
mod scale;
mod sessions;
mod step_up;
mod users;

/// Makes a test of every function named, for every store.
macro_rules! every_store {
    ($($area:ident: $($name:ident)*;)*) => {
        every_store!(@store memory, $($area: $($name)*;)*);
        every_store!(@store file, $($area: $($name)*;)*);
        every_store!(@store redis, $($area: $($name)*;)*);
        every_store!(@store cluster, $($area: $($name)*;)*);
    };
    (@store $store:ident, $($area:ident: $($name:ident)*;)*) => {
        mod $store {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let bench = super::bench::$store().await;
                    super::$area::$name(&bench).await;
                    bench.leave().await;
                }
            )*)*
        }
    };
}

every_store! {
    audit:
        entries_are_listed_the_newest_first_page_by_page
        entries_are_found_by_their_names_in_their_tenant_alone
        entries_go_by_themselves
        an_entry_whose_id_lies_too_far_back_is_refused_with_the_time_that_it_is
        an_hour_has_so_many_of_each_room_and_the_rest_is_not_bounded
        a_tenants_entries_are_dropped_with_its_number;
    users:
        a_login_makes_or_changes_its_users_record
        users_are_walked_once_each
        a_disabled_user_has_and_gets_no_session
        a_deleted_user_is_remembered_for_a_while
        room_is_made_by_exactly_the_oldest
        attributes_are_changed_over_the_version_before_and_end_with_their_session
        a_providers_session_names_those_that_joined_until_they_part
        an_ended_provider_session_is_joined_by_no_login_that_has_begun
        a_login_waits_for_a_choice_and_is_taken_once_more;
    sessions:
        a_session_reads_back_as_it_was_made
        what_was_never_made_is_gone_for_no_known_reason
        an_ended_session_is_gone_with_all_it_had
        the_first_reason_of_an_end_stays_until_it_is_forgotten
        ending_what_is_not_there_refuses_its_creation
        a_session_goes_by_itself
        a_touch_keeps_a_session_and_never_moves_its_use_back
        a_touch_that_is_not_due_writes_nothing_and_says_when_the_last_was
        a_touch_never_revives
        a_creation_is_refused_when_its_user_was_revoked_meanwhile
        a_new_session_ends_those_it_replaces
        the_cap_counts_only_the_living
        a_session_outside_its_users_partition_is_refused
        a_record_is_written_over_the_one_before_it_alone
        a_rewrite_keeps_fence_use_user_tokens_and_life
        a_rewrite_wakes_who_waits_for_a_change
        the_longest_life_is_kept;
    index:
        a_user_has_the_living_sessions_of_their_own
        ending_a_user_ends_all_their_sessions_and_nobody_elses
        a_walk_meets_every_living_session_of_the_tenant_once
        a_walk_passes_over_what_has_gone
        a_made_up_position_is_refused;
    leases:
        a_lease_is_held_by_one_and_can_be_given_back
        every_lease_has_a_higher_fence
        a_lease_that_is_dropped_runs_out
        a_held_lease_is_renewed
        a_lease_ends_with_its_session
        tokens_are_written_under_the_fence_and_the_revision
        an_older_fence_may_not_write
        written_tokens_live_no_longer_than_before
        a_write_keeps_later_use
        tokens_can_come_later
        waiting_ends_when_the_lease_is_given_back
        waiting_ends_when_the_record_changes
        waiting_ends_when_the_lease_runs_out
        waiting_is_over_at_once_or_in_time;
    step_up:
        a_step_up_writes_record_and_tokens_over_those_it_read
        a_step_up_takes_the_lease_from_whoever_holds_it
        a_step_up_of_a_session_that_is_gone_writes_nothing;
    logins:
        a_login_is_taken_once_and_its_answer_repeated
        a_failed_login_says_why
        another_browser_changes_nothing
        a_login_that_is_not_there_is_missing
        an_interrupted_login_names_the_session_that_was_noted
        an_interrupted_login_never_gets_an_answer
        a_late_holder_whom_nobody_missed_may_finish
        an_end_stays_as_it_is
        nothing_can_be_noted_after_the_lease
        a_waiter_is_woken_by_the_end
        a_waiter_waits_for_no_one_who_is_not_there
        no_more_logins_are_under_way_in_a_partition_than_may_be
        of_a_hundred_openings_as_many_as_may_get_in;
    marks:
        a_mark_kills_what_was_born_before_it
        a_mark_only_rises
        killed_sessions_do_not_count
        ending_the_killed_ends_none
        the_sweep_removes_the_killed
        a_mark_goes_after_its_time
        a_mark_is_for_its_tenant;
    events:
        a_reader_hears_what_comes_after_its_position_in_order
        a_reader_that_waits_is_woken
        writers_at_once_lose_nothing_and_keep_their_order
        a_position_that_the_log_does_not_know_is_a_reset;
    caller_keys:
        a_callers_key_reads_back_until_it_is_removed
        names_and_number_of_callers_keys_are_each_tenants_own
        a_callers_key_that_has_ended_keeps_no_name_and_no_place
        a_callers_key_is_sealed_anew_over_what_was_read_alone
        of_a_hundred_callers_keys_of_one_name_one_is_added;
    mint_keys:
        mint_keys_read_back_and_are_the_tenants_own
        mint_keys_are_written_over_those_before_them_alone
        mint_keys_go_by_themselves_and_can_begin_anew
        mint_keys_are_sealed_anew_over_what_was_read_alone_and_end_as_they_would
        of_a_hundred_mint_keys_one_wins;
    logouts:
        a_spent_logout_token_is_known_and_no_other_is
        a_logout_token_is_at_one_callers_until_it_is_given_back_or_its_time_is_over
        logins_that_had_begun_by_a_moment_are_refused_and_later_ones_are_not
        a_spent_logout_token_is_forgotten_in_time;
    answers:
        a_call_is_claimed_by_one_who_may_hold_on_to_it
        a_claim_runs_out_or_is_given_back
        an_answer_is_kept_for_its_time_and_stays_as_it_is
        of_a_hundred_claims_one_wins
        a_waiter_is_woken_by_the_answer_and_by_a_claim_given_back;
    rates:
        an_allowance_is_taken_once_and_comes_back_one_by_one
        of_a_hundred_at_once_as_many_as_allowed_take_one
        each_counts_by_itself_and_is_forgotten_in_time
        what_replicas_have_let_through_adds_up_and_is_paid_back;
    races:
        of_a_hundred_takes_one_wins
        of_a_hundred_leases_one_wins
        a_touch_racing_an_end_never_revives
        ending_a_user_leaves_no_survivor_of_logins_before_it
        the_cap_is_exact_under_racing_creations
        of_racing_rewrites_each_is_seen_by_the_next
        the_index_names_nobody_who_is_gone;
}
