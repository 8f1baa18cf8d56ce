package io.github.gatelodge.testing;

import com.google.protobuf.Duration;
import io.github.gatelodge.v1.CallbackAddress;
import io.github.gatelodge.v1.CorsSettings;
import io.github.gatelodge.v1.EdgeSettings;
import io.github.gatelodge.v1.LandingPlaces;
import io.github.gatelodge.v1.Limits;
import io.github.gatelodge.v1.RouteSet;

/** The settings of the fake, until a test changes them. */
final class FakeSettings {
    private FakeSettings() {}

    static EdgeSettings usual() {
        return EdgeSettings.newBuilder()
                .setVersion("1")
                .setAskAgainAfter(Duration.newBuilder().setSeconds(300))
                .addSessionCookieNames(FakeAuthority.COOKIE_NAME)
                .addBindingCookieNames("login")
                .setCsrfHeader("x-csrf-token")
                .setPublicBaseUrl(FakeAuthority.BASE_URL)
                .addCallbackAddresses(CallbackAddress.newBuilder()
                        .setRouteSet(RouteSet.ROUTE_SET_WEB)
                        .setProvider("fake")
                        .setUrl(FakeAuthority.BASE_URL + "/auth/web/callback"))
                .setCors(CorsSettings.newBuilder()
                        .addAllowedOrigins("http://localhost:5173")
                        .addAllowedMethods("GET")
                        .addAllowedMethods("POST")
                        .addAllowedHeaders("content-type")
                        .addAllowedHeaders("x-csrf-token")
                        .addExposedHeaders("x-csrf-token")
                        .setMaxAge(Duration.newBuilder().setSeconds(600)))
                .setLandingPlaces(LandingPlaces.newBuilder().setAfterLogin("/").setAfterLogout("/"))
                .setLimits(Limits.newBuilder()
                        .setMaxCookieBytes(4096)
                        .setMaxCookies(8)
                        .setMaxHeaderBytes(4096)
                        .setMaxQueryBytes(8192)
                        .setMaxBodyBytes(65_536))
                .addRouteSets(RouteSet.ROUTE_SET_WEB)
                .build();
    }
}
