package io.github.gatelodge.spring;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.edge.Edge;
import io.github.gatelodge.edge.Gate;
import io.github.gatelodge.servlet.DeliveryFilter;
import io.github.gatelodge.servlet.EdgeFilter;
import io.github.gatelodge.v1.RouteSet;
import jakarta.servlet.Filter;
import java.util.List;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.web.method.support.HandlerMethodArgumentResolver;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * Mounts the edge's routes, and lets controllers ask for sessions. Each bean gives way to one of the application's own.
 */
@AutoConfiguration
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@EnableConfigurationProperties(GatelodgeProperties.class)
public class GatelodgeAutoConfiguration {
    /** Before all that reads bodies or changes requests, and after what measures them. */
    private static final int EARLY = Ordered.HIGHEST_PRECEDENCE + 100;

    @Bean
    @ConditionalOnMissingBean
    GatelodgeClient gatelodgeClient(GatelodgeProperties properties) {
        return GatelodgeClient.create(properties.options());
    }

    @Bean
    @ConditionalOnMissingBean
    Edge gatelodgeEdge(GatelodgeClient client, GatelodgeProperties properties) {
        return Edge.of(client, properties.mountPrefix(), properties.routeSets().toArray(RouteSet[]::new));
    }

    @Bean(destroyMethod = "") // the edge closes it
    @ConditionalOnMissingBean
    Gate gatelodgeGate(Edge edge) {
        return edge.gate();
    }

    @Bean
    FilterRegistrationBean<EdgeFilter> gatelodgeEdgeFilter(Edge edge) {
        return early(new EdgeFilter(edge), EARLY);
    }

    @Bean
    FilterRegistrationBean<DeliveryFilter> gatelodgeDeliveryFilter() {
        return early(new DeliveryFilter(), EARLY + 1);
    }

    private static <F extends Filter> FilterRegistrationBean<F> early(F filter, int order) {
        FilterRegistrationBean<F> registration = new FilterRegistrationBean<>(filter);
        registration.setOrder(order);
        registration.setAsyncSupported(true);
        return registration;
    }

    /** Sessions and bearer tokens in controllers of Spring MVC. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(WebMvcConfigurer.class)
    static class Controllers implements WebMvcConfigurer {
        private final Gate gate;
        private final GatelodgeClient client;

        Controllers(Gate gate, GatelodgeClient client) {
            this.gate = gate;
            this.client = client;
        }

        @Bean
        static BeanPostProcessor gatelodgePreflights(
                ObjectProvider<Gate> gate, ObjectProvider<GatelodgeClient> client) {
            return Preflights.before(gate, client);
        }

        @Override
        public void addInterceptors(InterceptorRegistry registry) {
            registry.addInterceptor(new SessionInterceptor(gate));
            registry.addInterceptor(new TokenInterceptor(client));
        }

        @Override
        public void addArgumentResolvers(List<HandlerMethodArgumentResolver> resolvers) {
            resolvers.add(new SessionArgument());
            resolvers.add(new TokenArgument());
        }
    }
}
