package io.github.gatelodge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {
    private static Map<String, String> variables(String... pairs) {
        Map<String, String> variables = new HashMap<>(Map.of(
                ClientOptions.ADDRESS, "http://127.0.0.1:50051",
                ClientOptions.API_KEY, "glk_x",
                ClientOptions.CA_FILE, " "));
        for (String pair : pairs) {
            String[] parts = pair.split("=", 2);
            variables.put(parts[0], parts[1]);
        }
        return variables;
    }

    private static OptionsException refused(String... pairs) {
        ClientOptions options = ClientOptions.from(variables(pairs));
        return assertThrows(
                OptionsException.class,
                () -> GatelodgeClient.create(options).close(),
                () -> "nothing is wrong with " + Arrays.toString(pairs));
    }

    @Test
    void anEmptyVariableIsNotSetAndAnAuthorityThatIsAwayIsNoFault() {
        GatelodgeClient.create(ClientOptions.from(variables())).close();
    }

    @ParameterizedTest
    @CsvSource({
        "GATELODGE_ADDRESS, ''",
        "GATELODGE_ADDRESS, 127.0.0.1:50051",
        "GATELODGE_ADDRESS, localhost",
        "GATELODGE_ADDRESS, ftp://127.0.0.1",
        "GATELODGE_ADDRESS, http://127.0.0.1:50051/path",
        "GATELODGE_ADDRESS, http://user@127.0.0.1:50051",
        "GATELODGE_ADDRESS, http://127.0.0.1:50051?a=b",
        "GATELODGE_ADDRESS, http://127.0.0.1:port",
        "GATELODGE_ADDRESS, http:// 127.0.0.1",
        "GATELODGE_API_KEY, ''",
        "GATELODGE_API_KEY, 'glk_a glk_b'",
        "GATELODGE_TENANT, 'acme globex'",
        "GATELODGE_CA_FILE, /etc/hosts",
        "GATELODGE_CERT_FILE, /etc/hosts",
        "GATELODGE_KEY_FILE, /etc/hosts",
        "GATELODGE_KEEP_ANSWERS, many",
        "GATELODGE_KEEP_ANSWERS, -1",
    })
    void aSettingThatCantBeRightIsNamed(String setting, String value) {
        OptionsException fault = refused(setting + "=" + value);
        assertEquals(setting, fault.setting());
        assertTrue(fault.toString().contains(": " + setting + " "), fault.toString());
    }

    @Test
    void whereBothAreMissingTheAddressIsNamed() {
        assertEquals(
                ClientOptions.ADDRESS,
                refused("GATELODGE_ADDRESS=", "GATELODGE_API_KEY=").setting());
    }

    @ParameterizedTest
    @ValueSource(strings = {"/nowhere/ca.pem", "/etc/hosts"})
    void aFileOfNoUseIsNamed(String file) {
        assertEquals(
                ClientOptions.CA_FILE,
                refused("GATELODGE_ADDRESS=https://127.0.0.1:1", "GATELODGE_CA_FILE=" + file)
                        .setting());
    }

    @Test
    void aCertificateAndItsKeyGoTogether() {
        assertEquals(
                ClientOptions.KEY_FILE,
                refused("GATELODGE_ADDRESS=https://127.0.0.1:1", "GATELODGE_CERT_FILE=/etc/hosts")
                        .setting());
    }

    @ParameterizedTest
    @CsvSource({
        "http://auth.example.com, true",
        "http://192.0.2.7:50051, true",
        "http://127.example.com, true",
        "http://127.0.0.1:50051, false",
        "http://LOCALHOST, false",
        "http://[::1]:50051, false",
        "https://auth.example.com, false"
    })
    void plaintextToAnotherMachineIsSaid(String address, boolean isInClear) {
        assertEquals(isInClear, Connection.isInClear(URI.create(address)));
    }

    @Test
    void anAddressMayBeOfIpv6() {
        var channel = Connection.open(ClientOptions.from(variables("GATELODGE_ADDRESS=http://[::1]:50051")));
        assertEquals("[::1]:50051", channel.authority());
        channel.shutdownNow();
    }

    @Test
    void theKeyIsNotShown() {
        assertFalse(ClientOptions.from(variables()).toString().contains("glk_x"));
    }
}
