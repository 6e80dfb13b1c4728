using Slipway.Hosting.Settings;

namespace Slipway.Hosting.Tests.Settings;

[Trait("Tier", "fast")]
[Trait("Parity", "S33")]
public sealed class DotEnvFileTests
{
    [Theory]
    [InlineData("NAME=value", "value")]
    [InlineData("NAME = value ", "value")]
    [InlineData("export NAME=value", "value")]
    [InlineData("# a comment\n\nNAME=value\r\n", "value")]
    [InlineData("NAME=value # a comment", "value")]
    [InlineData("NAME=value#no-comment", "value#no-comment")]
    [InlineData("NAME=", "")]
    [InlineData("NAME=a=b", "a=b")]
    [InlineData("NAME=pa$$word${HOME}", "pa$$word${HOME}")]
    [InlineData("NAME='it \\n is # raw'", "it \\n is # raw")]
    [InlineData("NAME=\"tab\\tline\\nquote\\\" back\\\\slash \\d\"", "tab\tline\nquote\" back\\slash \\d")]
    [InlineData("NAME=\"two\nlines\" # after", "two\nlines")]
    [InlineData("NAME='{\n  \"json\": 1\n}'", "{\n  \"json\": 1\n}")]
    [InlineData("NAME=\"ends with backslash\\\\\"", "ends with backslash\\")]
    [InlineData("NAME=first\nNAME=last", "last")]
    public void Reads_a_value(string text, string expected) =>
        Assert.Equal(expected, DotEnvFile.Parse(text, ".env")["name"]);

    [Fact]
    public void Two_underscores_name_a_section() =>
        Assert.Equal("5", DotEnvFile.Parse("Rag__Interval=5", ".env")["Rag:Interval"]);

    [Theory]
    [InlineData("GOOD=1\nsecret without equals", "Line 2 of '.env' is not NAME=value.")]
    [InlineData("=secret", "Line 1 of '.env' is not NAME=value.")]
    [InlineData("TWO WORDS=secret", "Line 1 of '.env' is not NAME=value.")]
    [InlineData("\nNAME=\"secret\nnever closed", "Line 2 of '.env' opens a quote that is never closed.")]
    public void Says_which_line_is_wrong_and_shows_nothing_of_it(string text, string message)
    {
        var error = Assert.Throws<SlipwayException>(() => DotEnvFile.Parse(text, ".env"));
        Assert.Equal((message, ErrorClass.Configuration), (error.Message, error.Class));
        Assert.NotNull(error.Fix);
    }
}
