package io.github.gatelodge.servlet;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * What something took, each of many: microseconds by the wall's clock, and of processor time of this process, which
 * other programs do not lengthen.
 */
record Spent(double wall, double cpu) {
    /** What is measured. */
    @FunctionalInterface
    interface Work {
        void run() throws Exception;
    }

    /** Does it once, and shares what it took among so many. */
    static Spent on(int many, Work work) throws Exception {
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long used = system.getProcessCpuTime();
        long begun = System.nanoTime();
        work.run();
        double wall = (System.nanoTime() - begun) / 1000.0 / many;
        return new Spent(wall, (system.getProcessCpuTime() - used) / 1000.0 / many);
    }

    /** What half of them took at most. */
    static Spent median(List<Spent> rounds) {
        return new Spent(
                middle(rounds.stream().map(Spent::wall).toList()),
                middle(rounds.stream().map(Spent::cpu).toList()));
    }

    private static double middle(List<Double> values) {
        return values.stream().sorted(Comparator.naturalOrder()).toList().get(values.size() / 2);
    }

    Spent minus(Spent less) {
        return new Spent(wall - less.wall, cpu - less.cpu);
    }

    String json() {
        return String.format(Locale.ROOT, "{\"wall\":%.1f,\"cpu\":%.1f}", wall, cpu);
    }
}
