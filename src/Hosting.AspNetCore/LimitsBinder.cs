using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Slipway.Agents;
using Slipway.Agents.Limits;
using Slipway.Agents.Turns;
using Slipway.Hosting.Settings;

namespace Slipway.Hosting;

internal sealed class LimitsBinder(
    IConfiguration configuration,
    IServiceProviderIsService services,
    IOptions<AgentOptions> agent
) : OptionsBinder<LimitsOptions>(configuration, "Limits")
{
    protected override void Read(SettingsSection settings, LimitsOptions options)
    {
        options.MaxRequestBytes = settings.Number("MaxRequestBytes", options.MaxRequestBytes);
        options.MaxDocumentBytes = settings.Number("MaxDocumentBytes", options.MaxDocumentBytes);
        options.MaxMessageLength = settings.Number("MaxMessageLength", options.MaxMessageLength);
        options.MaxAttachments = settings.Number("MaxAttachments", options.MaxAttachments);
        options.MaxAttachmentBytes = settings.Number("MaxAttachmentBytes", options.MaxAttachmentBytes);
        options.AttachmentTypes = settings.List("AttachmentTypes", options.AttachmentTypes);
        options.Requests = settings.Number("Requests", options.Requests);
        options.Window = settings.Duration("Window", options.Window);
        options.ConcurrentTurns = settings.Number("ConcurrentTurns", options.ConcurrentTurns);
        options.TokensPerTurn = settings.Number("TokensPerTurn", options.TokensPerTurn);
        options.TokensPerDay = settings.Number("TokensPerDay", options.TokensPerDay);
        options.CostPerTurn = settings.Amount("CostPerTurn", options.CostPerTurn) ?? 0;
        options.CostPerDay = settings.Amount("CostPerDay", options.CostPerDay) ?? 0;
    }

    protected override IEnumerable<string> Check(LimitsOptions options)
    {
        (string Key, decimal Value)[] sizes =
        [
            ("MaxRequestBytes", options.MaxRequestBytes),
            ("MaxDocumentBytes", options.MaxDocumentBytes),
            ("MaxMessageLength", options.MaxMessageLength),
            ("MaxAttachmentBytes", options.MaxAttachmentBytes),
        ];
        foreach (var (key, value) in sizes.Where(size => size.Value < 1))
        {
            yield return $"{Name(key)} is {value}; set 1 or more.";
        }

        (string Key, decimal Value)[] limits =
        [
            ("MaxAttachments", options.MaxAttachments),
            ("Requests", options.Requests),
            ("ConcurrentTurns", options.ConcurrentTurns),
            ("TokensPerTurn", options.TokensPerTurn),
            ("TokensPerDay", options.TokensPerDay),
            ("CostPerTurn", options.CostPerTurn),
            ("CostPerDay", options.CostPerDay),
        ];
        foreach (var (key, value) in limits.Where(limit => limit.Value < 0))
        {
            yield return $"{Name(key)} is {value}; set a limit, or 0 for none.";
        }

        if (options.Window < TimeSpan.FromSeconds(1) || options.Window > TimeSpan.FromDays(1))
        {
            yield return $"{Name("Window")} is {options.Window}; set one second to one day, such as 60.";
        }

        foreach (
            var failure in CheckDay("Tokens", options.TokensPerTurn, options.TokensPerDay)
                .Concat(CheckDay("Cost", options.CostPerTurn, options.CostPerDay))
        )
        {
            yield return failure;
        }

        if (
            (options.CostPerTurn > 0 || options.CostPerDay > 0)
            && services.IsService(typeof(ITurnRunner))
            && !HasPrices()
        )
        {
            yield return $"{Name(options.CostPerTurn > 0 ? "CostPerTurn" : "CostPerDay")} is set and no price is known; set Agent:Prices:0:Model, "
                + "Input and Output, in the price of a million tokens.";
        }

        if (services.IsService(typeof(ITurnRunner)) && !services.IsService(typeof(ITurnLimitStore)))
        {
            yield return "There is no database that users' limits are counted in; call UseSqlite(…), or another store's Use… method, on AddSlipway().";
        }
    }

    private bool HasPrices()
    {
        try
        {
            return agent.Value.Prices.Count > 0;
        }
        catch (OptionsValidationException)
        {
            return true; // what is wrong there is told already
        }
    }

    private IEnumerable<string> CheckDay(string what, decimal turn, decimal day)
    {
        if (day > 0 && turn == 0)
        {
            yield return $"{Name(what + "PerDay")} is set and {Name(what + "PerTurn")} is not: an answer reserves what it may use before it begins. Set both.";
        }
        else if (day > 0 && turn > day)
        {
            yield return $"{Name(what + "PerTurn")} is {turn}, more than {Name(what + "PerDay")} ({day}): no answer could begin. Set less, or more for a day.";
        }
    }
}
