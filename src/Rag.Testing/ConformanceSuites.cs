using System.Reflection;

namespace Slipway.Rag.Testing;

/// <summary>The test that no suite was forgotten.</summary>
public static class ConformanceSuites
{
    /// <summary>The abstract test classes of a package.</summary>
    /// <param name="package">An assembly of suites, such as <c>typeof(StoreSuite).Assembly</c>.</param>
    public static IReadOnlyList<Type> In(Assembly package)
    {
        ArgumentNullException.ThrowIfNull(package);
        return [.. package.GetExportedTypes().Where(type => type.IsAbstract && HasTests(type))];
    }

    /// <summary>Fails unless the tests derive from each suite of a package exactly once.</summary>
    /// <param name="package">The assembly of the suites.</param>
    /// <param name="tests">The assembly of a store's tests.</param>
    public static void AssertAllRunIn(Assembly package, Assembly tests)
    {
        ArgumentNullException.ThrowIfNull(tests);
        var suites = In(package);
        Assert.NotEmpty(suites);
        var classes = tests.GetTypes().Where(type => !type.IsAbstract && type.IsPublic).ToList();
        Assert.All(suites, suite => Assert.Single(classes, type => type.IsSubclassOf(suite)));
    }

    private static bool HasTests(Type type) =>
        type.GetMethods().Any(method => method.IsDefined(typeof(FactAttribute), inherit: true));
}
