package io.github.gatelodge.edge;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.v1.GetEdgeSettingsRequest;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Keeps the settings fresh beside the requests, in a thread of its own. Does not know what the settings say. */
final class SettingsKeeper implements AutoCloseable {
    /** A little more than the call's own deadline. */
    private static final Duration LONGEST_FIRST_ANSWER = Duration.ofMillis(2500);

    private final GatelodgeClient client;
    private final Consumer<Settings> onChange;
    private final CountDownLatch tried = new CountDownLatch(1);
    private final CountDownLatch ready = new CountDownLatch(1);
    private final Semaphore askNow = new Semaphore(0);
    private final Thread thread;
    private volatile @Nullable Tenants inForce;
    private volatile @Nullable GatelodgeException trouble;
    private volatile boolean isClosed;

    /** Begins to ask. {@code onChange} sees all settings of a new version, of each tenant, before a request does. */
    SettingsKeeper(GatelodgeClient client, Consumer<Settings> onChange) {
        this.client = client;
        this.onChange = onChange;
        this.thread = new Thread(this::keepFresh, "gatelodge-settings");
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Those in force, as far as is known. Requests that come before the first answer wait for it, and no later ones.
     */
    @Nullable
    Tenants tenants() {
        if (inForce == null && tried.getCount() > 0) {
            try {
                boolean isTried = tried.await(LONGEST_FIRST_ANSWER.toMillis(), TimeUnit.MILLISECONDS);
                Answers.LOG.log(Level.DEBUG, isTried ? "waited for the settings" : "waited for the settings in vain");
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        return inForce;
    }

    /** Waits for the first settings. */
    boolean await(Duration longest) throws InterruptedException {
        return ready.await(longest.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Why there are none, if it is known. */
    @Nullable
    GatelodgeException trouble() {
        return trouble;
    }

    /** Takes note of the version that an answer named. One that names none says nothing. */
    void sawVersion(String version) {
        Tenants held = inForce;
        if (held != null && !version.isEmpty() && !held.version().equals(version) && askNow.availablePermits() == 0) {
            askNow.release();
        }
    }

    /** Ends the thread. The settings stay. */
    @Override
    public void close() {
        isClosed = true;
        thread.interrupt();
    }

    /**
     * Asks until it is closed, or its client is.
     *
     * <p>Invariant: a failure never takes away settings that are there.
     */
    private void keepFresh() {
        Pauses pauses = new Pauses();
        try {
            while (!isClosed && !client.isClosed()) {
                askNow.drainPermits(); // this asking answers it
                Tenants fresh = ask();
                if (fresh != null) {
                    take(fresh);
                }
                tried.countDown();
                if (fresh == null) {
                    TimeUnit.NANOSECONDS.sleep(pauses.next()); // however many requests wait
                    continue;
                }
                pauses.restart();
                TimeUnit.NANOSECONDS.sleep(Settings.SHORTEST_PAUSE.toNanos());
                Duration rest = fresh.askAgainAfter().minus(Settings.SHORTEST_PAUSE);
                boolean isAsked = askNow.tryAcquire(rest.toMillis(), TimeUnit.MILLISECONDS);
                Answers.LOG.log(
                        Level.DEBUG,
                        isAsked ? "an answer names other settings" : "the time has come to ask for the settings");
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    private @Nullable Tenants ask() {
        try {
            return Tenants.read(client.login().getEdgeSettings(GetEdgeSettingsRequest.getDefaultInstance()));
        } catch (GatelodgeException failed) {
            trouble = failed;
            if (!isClosed) {
                Answers.logFailure(failed, inForce == null ? "settings" : "settings; the last good ones are kept");
            }
            return null;
        } catch (RuntimeException fault) {
            // A fault of this library must not end the asking.
            Answers.LOG.log(Level.ERROR, "the settings can't be asked for", fault);
            return null;
        }
    }

    private void take(Tenants fresh) {
        Tenants held = inForce;
        if (held == null || !held.version().equals(fresh.version())) {
            Answers.LOG.log(Level.INFO, "settings of the edge are in force: version {0}", fresh.version());
            fresh.all().forEach(onChange);
        }
        inForce = fresh;
        ready.countDown();
    }
}
