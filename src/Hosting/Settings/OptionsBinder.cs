using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Slipway.Hosting.Settings;

/// <summary>Fills an options class from its section and checks it, code's own settings included.</summary>
/// <remarks>Registered once for both interfaces, so that what could not be read is reported with what is not valid.</remarks>
internal abstract class OptionsBinder<TOptions>(IConfiguration configuration, string section)
    : IConfigureOptions<TOptions>,
        IValidateOptions<TOptions>
    where TOptions : class
{
    private readonly List<string> _unreadable = [];

    protected IConfiguration Configuration => configuration;

    public void Configure(TOptions options)
    {
        _unreadable.Clear();
        var settings = new SettingsSection(configuration, section, _unreadable);
        Read(settings, options);
        settings.RejectUnknown();
    }

    public ValidateOptionsResult Validate(string? name, TOptions options)
    {
        var failures = _unreadable.Concat(Check(options)).ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    /// <summary>Takes each setting from the section; the option's value is the default.</summary>
    protected abstract void Read(SettingsSection settings, TOptions options);

    /// <summary>Each failure names the setting, the cause and the fix.</summary>
    protected abstract IEnumerable<string> Check(TOptions options);

    /// <summary>The name of a setting of this section as it was given.</summary>
    protected string Name(string key) => SettingsSection.NameInUse(configuration, $"{section}:{key}");
}
