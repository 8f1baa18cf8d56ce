package io.github.gatelodge.spring;

import java.lang.reflect.Method;
import org.springframework.web.method.HandlerMethod;

/** Where a guard is written: two controllers may inherit one method, and each have a guard of its own. */
record Place(Class<?> controller, Method method) {
    static Place of(HandlerMethod handler) {
        return new Place(handler.getBeanType(), handler.getMethod());
    }
}
