namespace Slipway.Hosting.Startup;

/// <summary>How the process will end when it ends by itself.</summary>
internal sealed class ExitStatus
{
    public int Code { get; set; }

    /// <summary>The exit code of an error: 1 try again or look at it, 2 configuration, 3 authentication.</summary>
    public static int Of(ErrorClass errorClass) =>
        errorClass switch
        {
            ErrorClass.Configuration => 2,
            ErrorClass.Authentication => 3,
            _ => 1,
        };
}
