package io.github.gatelodge;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** What tests of a client before a {@link ScriptedAuthority} have. */
public abstract class BeforeScriptedAuthority {
    protected ScriptedAuthority authority;
    protected GatelodgeClient client;

    @BeforeEach
    void begin() throws Exception {
        authority = new ScriptedAuthority();
        client = authority.client();
    }

    @AfterEach
    void end() {
        client.close();
        authority.close();
    }
}
