//! The events of the API: one table.

use crate::sampler::WatchChange;

/// Who gets an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every subscriber.
    Everyone,
    /// Every subscriber but the one whose call caused the event, if it is known.
    NotTheCaller,
}

macro_rules! topics {
    ($($(#[doc = $doc:literal])* $topic:ident = $name:literal, $payload:literal, $audience:ident;)*) => {
        /// An event that the API publishes, under every prefix in force.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Topic { $($(#[doc = $doc])* $topic,)* }

        impl Topic {
            /// All of them, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$topic,)*];

            /// The last component of its URI.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$topic => $name,)* }
            }

            /// Its only positional argument.
            #[must_use]
            pub const fn payload(self) -> &'static str {
                match self { $(Self::$topic => $payload,)* }
            }

            /// When it is published.
            #[must_use]
            pub fn doc(self) -> &'static str {
                match self { $(Self::$topic => concat!($($doc,)*).trim(),)* }
            }

            /// Who gets it.
            #[must_use]
            pub const fn audience(self) -> Audience {
                match self { $(Self::$topic => Audience::$audience,)* }
            }
        }
    };
}

topics! {
    /// Every `interval` while monitoring is on, the first at once.
    ProcessStats = "on_process_stats", "the value of `get_process_stats` with `seq`", Everyone;
    /// Monitoring was turned on, changed, or turned off (0).
    ProcessStatsMonitoringSet = "on_process_stats_monitoring_set", "the interval, s", NotTheCaller;
    /// The CPU affinity was set.
    CpuAffinitySet = "on_cpu_affinity_set", "`{cpus, relative, affinity, who}`", NotTheCaller;
    /// There is another process: a restarted one, or one that was waited for.
    ProcessStarted = "on_process_started", "`{pid, started, command, restarts}`", Everyone;
    /// The process has ended. Not lost while there is no session: it is published in the next one.
    ProcessExited = "on_process_exited", "`{pid, code, signal, core, uptime, rusage, oom, restarts}`", Everyone;
    /// The child wrote something, and `--publish-output` was given. What is too much is left out and counted.
    ProcessOutput = "on_process_output", "`{stream, data, dropped}`", Everyone;
    /// Memory was given back to the system.
    GcFinished = "on_gc_finished", "`{requester, duration, resident_before, resident_after, supported}`", NotTheCaller;
    /// A watch was raised.
    WatchRaised = "on_watch_raised", "`{ts, name, metric, side, threshold, value, since, again}`", Everyone;
    /// A watch was cleared.
    WatchCleared = "on_watch_cleared", "the same with `duration` (s) and `reason` before `again`", Everyone;
    /// The router reads too slowly: from now on events are dropped.
    LinkDropsStarted = "on_link_drops_started", "`{ts, queued}`", Everyone;
    /// Events are published again; `dropped` is how many were not. After a lost session it is told in the next.
    LinkDropsEnded = "on_link_drops_ended", "`{ts, since, duration, dropped}`", Everyone;
    /// A manhole is about to be started.
    ManholeStarting = "on_manhole_starting", "the value of `get_manhole`", NotTheCaller;
    /// The manhole listens.
    ManholeStarted = "on_manhole_started", "the value of `get_manhole`", NotTheCaller;
    /// The manhole is about to be stopped.
    ManholeStopping = "on_manhole_stopping", "null", NotTheCaller;
    /// The manhole is stopped, or could not be started.
    ManholeStopped = "on_manhole_stopped", "null", NotTheCaller;
}

impl Topic {
    /// The event of a watch that was raised or cleared.
    #[must_use]
    pub const fn of_watch(change: &WatchChange) -> Self {
        match change.clearing {
            None => Self::WatchRaised,
            Some(_) => Self::WatchCleared,
        }
    }
}
