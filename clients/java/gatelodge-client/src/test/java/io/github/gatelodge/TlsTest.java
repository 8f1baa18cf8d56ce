package io.github.gatelodge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.gatelodge.error.UnreachableException;
import io.grpc.Grpc;
import io.grpc.Server;
import io.grpc.TlsServerCredentials;
import io.grpc.protobuf.services.HealthStatusManager;
import java.io.File;
import java.io.FileInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Over a real socket, with certificates made for the test. */
class TlsTest {
    @TempDir
    static Path folder;

    private Server server;

    @BeforeAll
    static void make() throws Exception {
        certificate("authority");
        certificate("caller");
    }

    /** Writes NAME.pem, which is its own issuer, and NAME.key. */
    private static void certificate(String name) throws Exception {
        Path store = folder.resolve(name + ".p12");
        Process made = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-alias",
                        "it",
                        "-dname",
                        "CN=" + name,
                        "-ext",
                        "san=ip:127.0.0.1",
                        "-ext",
                        "bc:c",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        store.toString(),
                        "-storepass",
                        "password")
                .redirectErrorStream(true)
                .start();
        String said = new String(made.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertTrue(made.waitFor(30, TimeUnit.SECONDS) && made.exitValue() == 0, said);
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (FileInputStream file = new FileInputStream(store.toFile())) {
            keys.load(file, "password".toCharArray());
        }
        pem(name + ".pem", "CERTIFICATE", keys.getCertificate("it").getEncoded());
        pem(
                name + ".key",
                "PRIVATE KEY",
                keys.getKey("it", "password".toCharArray()).getEncoded());
    }

    private static void pem(String file, String kind, byte[] bytes) throws Exception {
        String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes);
        Files.writeString(
                folder.resolve(file), "-----BEGIN " + kind + "-----\n" + text + "\n-----END " + kind + "-----\n");
    }

    private static File file(String name) {
        return folder.resolve(name).toFile();
    }

    @BeforeEach
    void begin() throws Exception {
        server = Grpc.newServerBuilderForPort(
                        0,
                        TlsServerCredentials.newBuilder()
                                .keyManager(file("authority.pem"), file("authority.key"))
                                .trustManager(file("caller.pem"))
                                .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
                                .build())
                .addService(new HealthStatusManager().getHealthService())
                .build()
                .start();
    }

    @AfterEach
    void end() {
        server.shutdownNow();
    }

    private ClientOptions options() {
        return ClientOptions.of("https://127.0.0.1:" + server.getPort(), "glk_x");
    }

    private ClientOptions trusting() {
        return options().withCaFile(folder.resolve("authority.pem"));
    }

    @Test
    void bothSidesShowTheirCertificates() {
        ClientOptions mutual =
                trusting().withCertFile(folder.resolve("caller.pem")).withKeyFile(folder.resolve("caller.key"));
        try (GatelodgeClient client = GatelodgeClient.create(mutual)) {
            assertTrue(client.isServing(""));
        }
    }

    @Test
    void anAuthorityOfAnUnknownIssuerIsNotAsked() {
        try (GatelodgeClient client = GatelodgeClient.create(options())) {
            assertThrows(UnreachableException.class, () -> client.isServing(""));
        }
    }

    @Test
    void withoutACertificateOfOnesOwnNothingIsAnswered() {
        try (GatelodgeClient client = GatelodgeClient.create(trusting())) {
            assertThrows(UnreachableException.class, () -> client.isServing(""));
        }
    }

    @Test
    void aKeyOfNoUseIsNamed() {
        ClientOptions wrong =
                trusting().withCertFile(folder.resolve("caller.pem")).withKeyFile(folder.resolve("caller.pem"));
        OptionsException fault = assertThrows(
                OptionsException.class, () -> GatelodgeClient.create(wrong).close());
        assertEquals(ClientOptions.CERT_FILE, fault.setting());
        assertTrue(fault.toString().contains(ClientOptions.KEY_FILE), fault.toString());
    }
}
